//! Numbers that check themselves.

/// The digits of a text, as numbers.
pub fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|it| it.to_digit(10)).collect()
}

/// Luhn's sum, as cards have it; and no number of one digit alone.
pub fn is_card(text: &str) -> bool {
    let digits = digits(text);
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, times)| digit * times)
        .map(|it| it / 10 + it % 10)
        .sum();
    (13..=19).contains(&digits.len())
        && sum.is_multiple_of(10)
        && digits.iter().any(|it| *it != digits[0])
        && (3..=6).contains(&digits[0])
}

/// ISO 7064, as account numbers have it.
pub fn is_iban(text: &str) -> bool {
    let text: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&text.len()) {
        return false;
    }
    let turned = text[4..].iter().chain(&text[..4]);
    let rest = turned.fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_wrong_digit_are_none() {
        assert!(is_card("4111 1111 1111 1111") && is_card("378282246310005") && !is_card("4111 1111 1111 1112"));
        assert!(!is_card("0000000000000000") && !is_card("4111"));
        assert!(is_iban("DE89 3704 0044 0532 0130 00") && is_iban("GB82WEST12345698765432"));
        assert!(!is_iban("DE88370400440532013000") && !is_iban("DE89"));
    }
}
