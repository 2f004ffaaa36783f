//! Secrets and personal data: by patterns, and by the checksums that some of them have. Patterns find what looks like it;
//! whether a key still opens anything is for its owner to say.

use std::ops::Range;

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use crate::checksums::digits;
use crate::checksums::is_card;
use crate::checksums::is_iban;

/// One kind of thing that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Finding {
    pub kind: &'static str,
    /// secret or personal.
    pub class: &'static str,
    pub count: u64,
    pub places: Vec<Place>,
}

/// Where one is, from 1, and enough of it to know it again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Place {
    pub line: u64,
    /// In characters.
    pub column: u64,
    pub masked: String,
}

struct Pattern {
    kind: &'static str,
    class: &'static str,
    /// A line has one of these, in lower case, or the pattern is not tried: it costs a hundred times as much.
    needles: &'static [&'static str],
    /// Its first group is what was found, if it has one.
    regex: &'static str,
    is_one: fn(&str) -> bool,
}

const fn secret(kind: &'static str, needles: &'static [&'static str], regex: &'static str) -> Pattern {
    Pattern { kind, class: "secret", needles, regex, is_one: any }
}

const fn personal(kind: &'static str, needles: &'static [&'static str], regex: &'static str) -> Pattern {
    Pattern { kind, class: "personal", needles, regex, is_one: any }
}

const PATTERNS: [Pattern; 16] = [
    secret("private-key", &["private key-----"], r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----"),
    secret("aws-access-key", &["akia", "asia"], r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b"),
    secret("github-token", &["gh", "github_pat_"], r"\b(gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{60,})\b"),
    secret("gitlab-token", &["glpat-"], r"\b(glpat-[0-9A-Za-z_-]{20,})"),
    secret("slack-token", &["xox"], r"\b(xox[abeoprs]-[0-9A-Za-z-]{10,})"),
    secret("google-api-key", &["aiza"], r"\b(AIza[0-9A-Za-z_-]{35})"),
    secret("stripe-key", &["_live_"], r"\b([rs]k_live_[0-9A-Za-z]{16,})\b"),
    secret("json-web-token", &["eyj"], r"\b(eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,})"),
    secret("url-credentials", &["://"], r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{1,100}:([^\s/@]{3,100})@"),
    Pattern {
        kind: "password",
        class: "secret",
        needles: &["passw", "secret", "api_key", "apikey", "api-key", "token", "pwd"],
        regex: r#"(?i)(?:passw(?:or)?d|passwd|secret|api[_-]?key|token|pwd)[\w.-]{0,30}["']?\s{0,5}(?::|=|:=|=>)\s{0,5}["']?([^\s"',;<>(){}$]{6,200})"#,
        is_one: is_password,
    },
    personal(
        "email",
        &["@"],
        r"\b([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,20})\b",
    ),
    Pattern {
        kind: "iban",
        class: "personal",
        needles: &[],
        regex: r"\b([A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?)\b",
        is_one: is_iban,
    },
    Pattern {
        kind: "card-number",
        class: "personal",
        needles: &[],
        regex: r"\b([3-6](?:[ -]?[0-9]){12,18})\b",
        is_one: is_card,
    },
    personal("us-social-security-number", &["-"], r"\b([0-8][0-9]{2}-[0-9]{2}-[0-9]{4})\b"),
    Pattern {
        kind: "phone-number",
        class: "personal",
        needles: &["+"],
        regex: r"(?:^|[\s:(,])(\+[1-9](?:[ ./()-]{0,2}[0-9]){7,14})\b",
        is_one: any,
    },
    Pattern {
        kind: "ip-address",
        class: "personal",
        needles: &["."],
        regex: r"\b([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})\b",
        is_one: is_public_ip,
    },
];

/// Numbers are looked for only where a line has so many digits.
const DIGITS_MIN: usize = 7;
/// One of 16,384 bits has some 200; a first line without a last one must not hide the whole text.
const KEY_LINES_MAX: usize = 256;

fn any(_: &str) -> bool {
    true
}

/// Whether it is a value and no reference to one, nor a word of the language it stands in.
fn is_password(text: &str) -> bool {
    const NONE: [&str; 12] = [
        "null",
        "none",
        "true",
        "false",
        "undefined",
        "required",
        "string",
        "password",
        "process.env",
        "os.environ",
        "env.",
        "example",
    ];
    let lower = text.to_lowercase();
    let repeats = text.chars().all(|it| text.starts_with(it));
    !repeats && !NONE.iter().any(|it| lower.starts_with(it)) && !text.starts_with(['%', '*', '.', '&', '['])
}

/// Whether it is an address of somebody's, and none of one's own network.
fn is_public_ip(text: &str) -> bool {
    let parts: Vec<u8> =
        text.split('.').filter(|it| it.len() == 1 || !it.starts_with('0')).filter_map(|it| it.parse().ok()).collect();
    match parts.as_slice() {
        [a, b, _, _] => !matches!((a, b), (0 | 10 | 127 | 224..=255, _) | (172, 16..=31) | (192, 168) | (169, 254)),
        _ => false,
    }
}

/// Looks line by line, so that who counts words beside it knows what of a line is masked.
pub struct Finder {
    regexes: Vec<Regex>,
    findings: Vec<Finding>,
    /// So many places of each kind are listed.
    places_max: usize,
    /// So many lines of a private key may still come.
    key_lines_left: usize,
    masked: Vec<Range<usize>>,
}

impl Finder {
    pub fn new(places_max: usize) -> Self {
        let regexes = PATTERNS.iter().map(|it| Regex::new(it.regex).expect("the patterns are constants"));
        let findings =
            PATTERNS.iter().map(|it| Finding { kind: it.kind, class: it.class, count: 0, places: Vec::new() });
        Self {
            regexes: regexes.collect(),
            findings: findings.collect(),
            places_max,
            key_lines_left: 0,
            masked: Vec::new(),
        }
    }

    /// Takes the next line, and gives what of it must not be told: ranges of bytes, by where they begin.
    pub fn look(&mut self, line: &str, number: u64) -> &[Range<usize>] {
        self.masked.clear();
        self.go_on_with_key(line, 0);
        let lower = line.to_ascii_lowercase();
        let has_digits = line.bytes().filter(u8::is_ascii_digit).nth(DIGITS_MIN - 1).is_some();
        for (at, pattern) in PATTERNS.iter().enumerate() {
            let wants_digits =
                pattern.needles.is_empty() || matches!(pattern.kind, "phone-number" | "us-social-security-number");
            let may = pattern.needles.is_empty() || pattern.needles.iter().any(|it| lower.contains(it));
            if may && (has_digits || !wants_digits) {
                self.take(line, number, at);
            }
        }
        self.masked.sort_unstable_by_key(|it| it.start);
        &self.masked
    }

    fn take(&mut self, line: &str, number: u64, at: usize) {
        let (pattern, finding) = (&PATTERNS[at], &mut self.findings[at]);
        let mut keys = Vec::new();
        let all = self.regexes[at].captures_iter(line).filter_map(|it| it.get(1).or(it.get(0)));
        for found in all.filter(|it| (pattern.is_one)(it.as_str())) {
            finding.count += 1;
            if finding.places.len() < self.places_max {
                let column = line[..found.start()].chars().count() as u64 + 1;
                finding.places.push(Place { line: number, column, masked: mask(pattern.kind, found.as_str()) });
            }
            match pattern.kind {
                // What was found is no secret, but what follows it.
                "private-key" => keys.push(found.end()),
                // The mask tells the domain.
                "email" => self.masked.extend(found.as_str().find('@').map(|it| found.start()..found.start() + it)),
                _ => self.masked.push(found.range()),
            }
        }
        let mut masked_to = 0;
        for from in keys {
            // Each byte is looked at once, however many keys begin and do not end.
            if from >= masked_to {
                self.key_lines_left = KEY_LINES_MAX;
                masked_to = self.go_on_with_key(line, from);
            }
        }
    }

    /// Masks what of the rest of the line is of a private key, and gives where that ends.
    fn go_on_with_key(&mut self, line: &str, from: usize) -> usize {
        if self.key_lines_left == 0 {
            return from;
        }
        let end = line[from..].find("-----END").map(|it| from + it);
        self.key_lines_left = if end.is_some() { 0 } else { self.key_lines_left - 1 };
        let end = end.unwrap_or(line.len());
        self.masked.push(from..end);
        end
    }

    /// What was found.
    pub fn end(mut self) -> Vec<Finding> {
        self.findings.retain(|it| it.count > 0);
        self.findings
    }
}

/// So much that its owner knows it again, and nobody else learns it.
fn mask(kind: &str, text: &str) -> String {
    let chars: Vec<_> = text.chars().collect();
    let part = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    match text.split_once('@') {
        Some((name, domain)) if kind == "email" => format!("{}…@{domain}", name.chars().take(1).collect::<String>()),
        _ if kind == "private-key" => text.to_owned(),
        _ if kind == "card-number" => {
            format!("…{}", digits(text).iter().rev().take(4).rev().map(u32::to_string).collect::<String>())
        }
        _ if chars.len() >= 12 => format!("{}…{}", part(0, 4), part(chars.len() - 2, chars.len())),
        _ => format!("{}…", part(0, 1)),
    }
}
