//! Texts as they are shown: cut, so that a result stays small whatever is in a file.

/// Characters of a value or name that are shown.
pub const SHOWN_CHARS_MAX: usize = 200;

/// The beginning of a text.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(&'a str);

impl<'a> Shown<'a> {
    /// As much of it as is shown.
    pub fn new(text: &'a str) -> Self {
        if text.len() <= SHOWN_CHARS_MAX {
            return Self(text);
        }
        let end = text.char_indices().nth(SHOWN_CHARS_MAX).map_or(text.len(), |(at, _)| at);
        Self(&text[..end])
    }

    /// It.
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

/// The text of a field without the space around it; what is no UTF-8, as a sequence cut at the field's limit, ends it.
pub fn trimmed(bytes: &[u8]) -> &str {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
    };
    text.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(Shown::new("é").as_str(), "é");
        assert_eq!(Shown::new(&"é".repeat(200)).as_str(), "é".repeat(200));
        assert_eq!(Shown::new(&"é".repeat(201)).as_str(), "é".repeat(200));
    }

    #[test]
    fn fields_lose_space_and_broken_ends() {
        assert_eq!(trimmed(b" a b\t"), "a b");
        assert_eq!(trimmed("aé".as_bytes().split_last().unwrap().1), "a");
    }
}
