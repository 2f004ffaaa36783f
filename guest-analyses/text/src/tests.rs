use belljar_sdk::hostile;

use super::*;

fn of(bytes: &[u8]) -> Report {
    read(Sample::of_bytes(bytes), Args { words_max: 3, places_max: 2 }).unwrap()
}

#[test]
fn encodings_are_told_by_mark_or_by_bytes() {
    let german = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich, und das den ganzen Tag.\n";
    let latin: Vec<u8> = german.chars().map(|it| it as u8).collect();
    let wide: Vec<u8> = german.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xfe, 0xff][..], &german.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()].concat();
    let japanese = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。";
    let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(japanese);
    for (bytes, name, has_mark) in [
        (german.as_bytes(), "UTF-8", false),
        (&latin, "windows-1252", false),
        (&wide, "UTF-16LE", false),
        (&marked, "UTF-16BE", true),
        (&shift_jis, "Shift_JIS", false),
    ] {
        let report = of(bytes);
        assert_eq!(report.encoding, Encoding { name, has_mark, is_ascii: false, has_errors: false });
        let language = report.language.unwrap();
        assert_eq!(language.code, if name == "Shift_JIS" { "jpn" } else { "deu" });
    }
}

#[test]
fn lines_words_and_ends_are_counted() {
    let found = of(b"One two\r\n\r\n\tthree, one\r\n").statistics;
    assert_eq!((found.lines, found.blank_lines, found.words, found.line_ends), (3, 1, 4, "crlf"));
    assert_eq!((found.longest_line_chars, found.tab_indented_lines, found.different_words), (11, 1, 3));
    assert_eq!((found.frequent_words[0].word.as_str(), found.frequent_words[0].count), ("one", 2));
    for (text, ends, lines) in
        [("a\nb", "lf", 2), ("a\rb\r", "cr", 2), ("a\nb\r\n", "mixed", 2), ("a", "none", 1), ("", "none", 0)]
    {
        let found = of(text.as_bytes()).statistics;
        assert_eq!((found.line_ends, found.lines), (ends, lines), "{text:?}");
    }
}

#[test]
fn secrets_and_personal_data_are_found_and_masked() {
    // Put together here, so that nobody's scanner takes this file for a leak.
    let aws = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
    let github = ["ghp_", &"a1B2".repeat(9)].concat();
    let token = ["eyJ", "hbGciOiJIUzI1NiJ9.eyJ", "zdWIiOiIxMjM0In0.c2lnbmF0dXJl"].concat();
    let text = format!(
        "key {aws}\nexport T={github}\nauth: {token}\n-----BEGIN RSA PRIVATE KEY-----\npostgres://me:s3cr3t@db/x\n\
         api_key = 'abcdef123456'\nDE89 3704 0044 0532 0130 00\n4111 1111 1111 1111\n078-05-1120\n+49 30 1234567\n8.8.8.8 and 10.0.0.1\n"
    );
    let report = of(text.as_bytes());
    let kinds: Vec<_> = report.findings.iter().map(|it| (it.kind, it.count)).collect();
    let expected = [
        "private-key",
        "aws-access-key",
        "github-token",
        "json-web-token",
        "url-credentials",
        "password",
        "iban",
        "card-number",
        "us-social-security-number",
        "phone-number",
        "ip-address",
    ];
    assert_eq!(kinds, expected.map(|it| (it, 1)), "{:#?}", report.findings);
    let told = serde_json::to_string(&report.findings).unwrap();
    for secret in [aws.as_str(), &github, &token, "s3cr3t", "abcdef123456", "4111 1111"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[test]
fn a_word_of_what_is_masked_is_told_nowhere() {
    let body = ["MIIEvQIBADANBgkqh", "/kiG9w0BAQEF+AASCBKcw"].concat();
    let text = format!(
        "Login with hunter2hunter2 today. password = 'hunter2hunter2', mail jane.roe@example.org today\n\
         -----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n\
         key today \"-----BEGIN PRIVATE KEY-----\\nAbCdEf\\n-----END PRIVATE KEY-----\\n\"\n"
    );
    let report = read(Sample::of_bytes(text.as_bytes()), Args { words_max: 1000, places_max: 9 }).unwrap();
    let mut words: Vec<_> = report.statistics.frequent_words.iter().map(|it| it.word.as_str()).collect();
    assert_eq!((words[0], words[1]), ("key", "private"));
    words.sort_unstable();
    let told =
        ["begin", "end", "example", "key", "login", "mail", "org", "password", "private", "rsa", "today", "with"];
    assert_eq!(words, told);
    // They are words nevertheless.
    assert_eq!(report.statistics.different_words, told.len() + 8);
}

#[test]
fn each_key_of_a_line_is_masked() {
    let key = |body: &str| format!("-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END PRIVATE KEY-----");
    let text = format!("{{\"one\":\"{}\",\"two\":\"{}\"}}", key("AbCdEf"), key("GhIjKl"));
    let report = read(Sample::of_bytes(text.as_bytes()), Args { words_max: 1000, places_max: 9 }).unwrap();
    assert!(report.statistics.frequent_words.iter().any(|it| it.word == "two"));
    let told = serde_json::to_string(&report).unwrap().to_lowercase();
    assert!(!told.contains("abcdef") && !told.contains("ghijkl"), "{told}");
}

#[test]
fn a_key_that_does_not_end_hides_no_more_than_a_key() {
    let text = format!("-----BEGIN PRIVATE KEY-----\n{}open again", "hidden\n".repeat(256));
    let words = of(text.as_bytes()).statistics.frequent_words;
    assert!(words.iter().any(|it| it.word == "again") && words.iter().all(|it| it.word != "hidden"), "{words:?}");
}

#[test]
fn what_only_looks_like_a_secret_is_not_told() {
    let text = "password = os.environ['X']\ntoken: ${TOKEN}\npwd=******\nat 256.1.1.1, 127.0.0.1, 192.168.1.1\n4111 1111 1111 1112\n\
        secret: null\nAKIA123\na@b\nDE88370400440532013000\n";
    let kinds: Vec<_> = of(text.as_bytes()).findings.into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [""; 0]);
}

#[test]
fn what_is_listed_is_limited_and_what_is_counted_is_not() {
    let report = of("a@example.org b@example.org\n".repeat(5).as_bytes());
    assert_eq!((report.findings[0].count, report.findings[0].places.len()), (10, 2));
    assert_eq!((report.findings[0].places[1].line, report.findings[0].places[1].column), (1, 15));
}

#[test]
fn characters_that_nobody_sees_are_told() {
    let hidden = of("ok\nif (a\u{202e}b\u{2066})\nx\u{200b}y\n\u{e0041}\u{1}".as_bytes()).hidden;
    let found: Vec<_> = hidden.iter().map(|it| (it.kind, it.count, it.first_line)).collect();
    assert_eq!(found, [("direction", 2, 2), ("invisible", 1, 3), ("tag", 1, 4), ("control", 1, 4)]);
    assert!(of("\u{feff}ok\n".as_bytes()).hidden.is_empty());
}

#[test]
fn a_binary_file_has_a_reason() {
    let failure =
        read(Sample::of_bytes(*b"\x7fELF\0\0\0\x01\x02\x03"), Args { words_max: 1, places_max: 1 }).unwrap_err();
    assert!(failure.message().contains("zero bytes"));
}

#[test]
fn damaged_texts_have_a_result_or_a_reason() {
    let text = "Zwölf Boxkämpfer, password = 'abcdef123456', DE89 3704 0044 0532 0130 00, jane@example.org, 吾輩は猫である\r\n";
    hostile::survives(text.as_bytes(), |sample| read(sample, Args { words_max: 1, places_max: 1 }));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    hostile::survives(&wide, |sample| read(sample, Args { words_max: 1, places_max: 1 }));
}
