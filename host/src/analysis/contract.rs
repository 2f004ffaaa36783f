//! A descriptor as it is lived by: read, checked, with its schemas ready.

use super::descriptor::Descriptor;
use super::plain;
use super::schema::Schema;

/// What an analysis promises, and what it takes.
#[derive(Debug)]
pub struct Contract {
    pub descriptor: Descriptor,
    pub args: Schema,
    pub result: Option<Schema>,
}

impl Contract {
    /// Of a descriptor's text.
    ///
    /// # Errors
    /// Everything wrong with it that can be told at once, in words for its author.
    pub fn read(text: &str) -> Result<Self, Vec<String>> {
        let descriptor: Descriptor = plain::parse(text.as_bytes()).map_err(|error| vec![error.to_string()])?;
        let mut wrong = descriptor.check().err().unwrap_or_default();
        let mut compiled = |schema: Option<&serde_json::Value>, name: &str| {
            let schema = schema.cloned().map(Schema::new).transpose();
            schema.map_err(|error| wrong.push(format!("{name}: {error}"))).ok().flatten()
        };
        let args = compiled(Some(&descriptor.args), "args");
        let result = compiled(descriptor.result.as_ref(), "result");
        match args {
            Some(args) if wrong.is_empty() => Ok(Self { descriptor, args, result }),
            Some(_) | None => Err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong = Contract::read(r#"{"name": "a", "files": "x", "args": {"type": 5}, "result": {"type": 6}}"#);
        let wrong = wrong.unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[1].starts_with("args: ") && wrong[2].starts_with("result: "));
        assert!(Contract::read("{").is_err());
        assert!(Contract::read(r#"{"name": "a"}"#).unwrap().result.is_none());
    }
}
