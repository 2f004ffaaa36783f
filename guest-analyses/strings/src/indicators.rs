//! What in a string looks like an address, a path or a key: things that one looks up next. A guess by form alone;
//! nothing is resolved, and a version number of four parts passes for an address.
//!
//! Every finder goes through a string once, from left to right, so that no string costs more than its length.

/// The kinds of what is found, in the order in which the result has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Url,
    Email,
    Ipv4,
    WindowsPath,
    RegistryKey,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Url, Self::Email, Self::Ipv4, Self::WindowsPath, Self::RegistryKey];
}

/// Longer ones first where one ends in another.
const SCHEMES: [&str; 13] =
    ["https", "http", "ftps", "sftp", "ftp", "wss", "ws", "file", "ldaps", "ldap", "smb", "ssh", "tcp"];
const HIVES: [&str; 13] = [
    "HKEY_LOCAL_MACHINE\\",
    "HKEY_CURRENT_USER\\",
    "HKEY_CLASSES_ROOT\\",
    "HKEY_USERS\\",
    "HKEY_CURRENT_CONFIG\\",
    "HKLM\\",
    "HKCU\\",
    "HKCR\\",
    "HKU\\",
    "HKCC\\",
    // Programs name the hive by number, so that only the rest is text.
    "SOFTWARE\\",
    "SYSTEM\\CurrentControlSet\\",
    "SYSTEM\\ControlSet001\\",
];
/// The longest name of a variable that is looked for in `%NAME%\`.
const VARIABLE_BYTES_MAX: usize = 32;

/// Gives all that are in a text to `each`, kind by kind, with the byte at which they start.
pub fn find(text: &str, mut each: impl FnMut(Kind, usize, &str)) {
    let bytes = text.as_bytes();
    for (kind, next) in [
        (Kind::Url, url as fn(&[u8], usize, usize) -> Option<(usize, usize)>),
        (Kind::Email, email),
        (Kind::Ipv4, ipv4),
        (Kind::WindowsPath, windows_path),
        (Kind::RegistryKey, registry_key),
    ] {
        let (mut at, mut free) = (0, 0);
        while at < bytes.len() {
            match next(bytes, free, at) {
                Some((start, end)) => {
                    each(kind, start, &text[start..end]);
                    (at, free) = (end, end);
                }
                None => at += 1,
            }
        }
    }
}

// Each finder looks at one place, `at`, and says from where to where there is something; what is before `free` belongs to
// the last one found. Ends are at ASCII characters, hence never within one of several bytes.

fn url(bytes: &[u8], free: usize, at: usize) -> Option<(usize, usize)> {
    if !bytes[at..].starts_with(b"://") {
        return None;
    }
    let before = &bytes[free..at];
    let ends_in = |scheme: &str| {
        before.len() >= scheme.len() && before[before.len() - scheme.len()..].eq_ignore_ascii_case(scheme.as_bytes())
    };
    let scheme = SCHEMES.iter().find(|scheme| ends_in(scheme))?;
    let rest = at + "://".len();
    let end = rest + span(&bytes[rest..], |byte| byte.is_ascii_graphic() && !b"\"'<>`{}|\\^".contains(&byte));
    let end = rest + trimmed(&bytes[rest..end], b".,;:!?()[]*");
    bytes[rest..end].iter().any(u8::is_ascii_alphanumeric).then_some((at - scheme.len(), end))
}

fn email(bytes: &[u8], free: usize, at: usize) -> Option<(usize, usize)> {
    if bytes[at] != b'@' {
        return None;
    }
    let local = bytes[free..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte));
    let mut start = at - local.count();
    start += span(&bytes[start..at], |byte| !byte.is_ascii_alphanumeric() && byte != b'_');
    let rest = at + 1;
    let end = rest + span(&bytes[rest..], |byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let end = rest + trimmed(&bytes[rest..end], b".-");
    let labels: Vec<_> = bytes[rest..end].split(|byte| *byte == b'.').collect();
    let top = labels.last()?;
    let plausible = labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty() && label[0] != b'-')
        && top.len() >= 2
        && top.iter().all(u8::is_ascii_alphabetic);
    (start < at && plausible).then_some((start, end))
}

fn ipv4(bytes: &[u8], _: usize, at: usize) -> Option<(usize, usize)> {
    if !bytes[at].is_ascii_digit() || !is_start(bytes, at) || (at > 0 && bytes[at - 1] == b'.') {
        return None;
    }
    let run = span(&bytes[at..], |byte| byte.is_ascii_digit() || byte == b'.');
    let end = at + trimmed(&bytes[at..at + run], b".");
    let text = std::str::from_utf8(&bytes[at..end]).ok()?;
    // The standard library's reading: four parts to 255 without leading zeros.
    text.parse::<std::net::Ipv4Addr>().ok()?;
    let next = bytes.get(at + run).copied().unwrap_or(b' ');
    (!next.is_ascii_alphabetic() && next != b'_').then_some((at, end))
}

fn windows_path(bytes: &[u8], _: usize, at: usize) -> Option<(usize, usize)> {
    if !matches!(bytes[at], b'\\' | b'%') && !bytes[at].is_ascii_alphabetic() || !is_start(bytes, at) {
        return None;
    }
    let rest = &bytes[at..];
    let root = match rest {
        [b'%', name @ ..] => {
            let name_bytes = span(&name[..name.len().min(VARIABLE_BYTES_MAX)], |byte| {
                byte.is_ascii_alphanumeric() || b"_()".contains(&byte)
            });
            (name_bytes > 0 && name[name_bytes..].starts_with(b"%\\")).then_some(name_bytes + b"%%\\".len())
        }
        [b'\\', b'\\', server @ ..] => {
            let server_bytes = span(server, |byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
            (server_bytes > 1 && server[server_bytes..].starts_with(b"\\")).then_some(b"\\\\".len() + server_bytes + 1)
        }
        [_, b':', b'\\', ..] => Some(b"C:\\".len()),
        _ => None,
    }?;
    let end = path_end(bytes, at + root);
    (end > at + root).then_some((at, end))
}

fn registry_key(bytes: &[u8], _: usize, at: usize) -> Option<(usize, usize)> {
    if !matches!(bytes[at], b'H' | b'h' | b'S' | b's') || !is_start(bytes, at) {
        return None;
    }
    // Not a folder of that name in a path.
    if at > 0 && bytes[at - 1] == b'\\' && matches!(bytes[at], b'S' | b's') {
        return None;
    }
    let rest = &bytes[at..];
    let begins = |hive: &str| rest.get(..hive.len()).is_some_and(|it| it.eq_ignore_ascii_case(hive.as_bytes()));
    let hive = HIVES.iter().find(|hive| begins(hive))?;
    let end = path_end(bytes, at + hive.len());
    (end > at + hive.len()).then_some((at, end))
}

/// Where a path ends that goes on at `from`: before what no name may have, without blanks and dots behind it. No name
/// starts with a blank.
fn path_end(bytes: &[u8], from: usize) -> usize {
    if bytes.get(from) == Some(&b' ') {
        return from;
    }
    let run = span(&bytes[from..], |byte| byte >= b' ' && !b"<>:\"/|?*".contains(&byte));
    from + trimmed(&bytes[from..from + run], b" .,;'`)")
}

/// Whether no word goes on at `at`.
fn is_start(bytes: &[u8], at: usize) -> bool {
    at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_' || !bytes[at - 1].is_ascii())
}

/// How many bytes from the first on are such.
fn span(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is_such(**byte)).count()
}

/// The length without such bytes at the end.
fn trimmed(bytes: &[u8], ends: &[u8]) -> usize {
    bytes.iter().rposition(|byte| !ends.contains(byte)).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        find(text, |it, at, part| {
            assert!(text[at..].starts_with(part));
            if it == kind {
                found.push(part.to_owned());
            }
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn urls_have_a_scheme_that_is_known_and_end_before_punctuation() {
        check(Kind::Url, "see (http://a.example/x?y=1&z#f).", &["http://a.example/x?y=1&z#f"]);
        check(Kind::Url, "<a href=\"HTTPS://b.example\">ftp://c", &["HTTPS://b.example", "ftp://c"]);
        check(Kind::Url, "xhttp://d.example:8080/", &["http://d.example:8080/"]);
        check(Kind::Url, "std://none http:// https://... ://", &[]);
        check(Kind::Url, "http://a,http://b", &["http://a,http://b"]);
    }

    #[test]
    fn mail_addresses_have_a_domain_with_a_top() {
        check(Kind::Email, "to: <a.b+c@mail.example.org>, x@y.example.", &["a.b+c@mail.example.org", "x@y.example"]);
        check(Kind::Email, "a@b @b.example a@.example a@b..example a@b.c a@b.c3 ..@a.example", &[]);
        check(Kind::Email, "?AVerror@std@@ ..me@here.example", &["me@here.example"]);
        check(Kind::Email, "a@b.example@c.example", &["a@b.example"]);
    }

    #[test]
    fn addresses_have_four_parts_that_fit_a_byte() {
        check(Kind::Ipv4, "10.0.0.1:80, 255.255.255.255.", &["10.0.0.1", "255.255.255.255"]);
        check(Kind::Ipv4, "http://192.0.2.7/", &["192.0.2.7"]);
        check(Kind::Ipv4, "1.2.3 1.2.3.4.5 256.1.1.1 v1.2.3.4 1.2.3.4a 01.2.3.4 1..2.3.4", &[]);
    }

    #[test]
    fn windows_paths_have_a_drive_a_server_or_a_variable() {
        check(Kind::WindowsPath, r"run C:\Program Files\x.exe.", &[r"C:\Program Files\x.exe"]);
        check(
            Kind::WindowsPath,
            r#""d:\a" "%APPDATA%\b\c.dll" \\host\share\f"#,
            &[r"d:\a", r"%APPDATA%\b\c.dll", r"\\host\share\f"],
        );
        check(Kind::WindowsPath, r"C:\\escaped\\x.pdb", &[r"C:\\escaped\\x.pdb"]);
        check(Kind::WindowsPath, r"C: C:\ ab:\c %% %\ %A B%\x \\ \\x \\server a\b C:/x", &[]);
        check(Kind::WindowsPath, "C:\\\u{dc}bung\u{e9}\tx", &["C:\\\u{dc}bung\u{e9}"]);
    }

    #[test]
    fn registry_keys_start_at_a_hive_or_below_it() {
        check(Kind::RegistryKey, r"HKLM\Software\Run, hkey_users\S-1", &[r"HKLM\Software\Run, hkey_users\S-1"]);
        check(
            Kind::RegistryKey,
            r"Software\Microsoft\Windows\CurrentVersion\Run",
            &[r"Software\Microsoft\Windows\CurrentVersion\Run"],
        );
        check(Kind::RegistryKey, r"\Registry\HKCU\x", &[r"HKCU\x"]);
        check(Kind::RegistryKey, r"HKLM HKLM\ C:\Software\x MySoftware\x System\other", &[]);
    }

    #[test]
    fn what_repeats_without_end_is_gone_through_once() {
        for part in ["http://", "a@", "1.", "%A", r"\\a", r"C:\", "HKLM", "://", "a@a.aa", r"Software\"] {
            let mut found = 0;
            find(&part.repeat(4096), |_, _, _| found += 1);
            assert!(found <= 2 * 4096, "{part}: {found}");
        }
    }
}
