use belljar_sdk::hostile;

use super::*;

const ACCESS: &str = r#"192.0.2.1 - - [02/Jan/2026:03:04:05 +0000] "GET /a?x=1 HTTP/1.1" 200 100 "-" "curl/8"
192.0.2.1 - - [02/Jan/2026:03:04:06 +0000] "GET /a?x=2 HTTP/1.1" 200 150 "-" "curl/8"
192.0.2.2 - me [02/Jan/2026:03:05:05 +0000] "POST /login HTTP/1.1" 401 20 "-" "curl/8"
"#;

const SYSLOG: &str = "Jan  2 03:04:05 host sshd[12]: Failed password for root from 192.0.2.7 port 4711 ssh2
Jan  2 03:04:09 host sshd[13]: Failed password for root from 192.0.2.8 port 4712 ssh2
Jan  2 03:04:07 host kernel: ERROR: disk is gone
    at line 3
";

fn of(text: &str) -> Report {
    read(Sample::of_bytes(text.as_bytes()), Args { patterns_max: 2, buckets_max: 60, year: 2026 }).unwrap()
}

fn pairs(counted: &[Counted]) -> Vec<(&str, u64)> {
    counted.iter().map(|it| (it.name.as_str(), it.count)).collect()
}

#[test]
fn the_log_of_a_web_server_tells_who_asked_for_what() {
    let report = of(ACCESS);
    assert_eq!((report.timed_lines, report.first.as_deref()), (3, Some("2026-01-02T03:04:05Z")));
    let traffic = serde_json::to_value(report.traffic.unwrap()).unwrap();
    let counted = |it: &str| serde_json::to_string(&traffic[it]).unwrap();
    assert_eq!(counted("statuses"), r#"[{"count":2,"name":"200"},{"count":1,"name":"401"}]"#);
    assert_eq!(counted("paths"), r#"[{"count":2,"name":"/a"},{"count":1,"name":"/login"}]"#);
    assert_eq!(counted("failing_paths"), r#"[{"count":1,"name":"/login"}]"#);
    assert_eq!((counted("bytes_sent"), counted("client_count")), ("270".to_owned(), "2".to_owned()));
}

#[test]
fn lines_that_say_the_same_are_one_pattern() {
    let report = of(SYSLOG);
    assert_eq!((report.lines, report.timed_lines, report.out_of_order), (4, 3, 1));
    assert_eq!(pairs(&report.time_formats), [("syslog", 3)]);
    assert_eq!(pairs(&report.levels), [("error", 1)]);
    let first = &report.patterns[0];
    assert_eq!(first.pattern, "host sshd[<n>]: Failed password for root from <ip> port <n> ssh<n>");
    assert_eq!((first.count, first.first_line), (2, 1));
    assert_eq!((report.pattern_count, report.rare_patterns.len()), (3, 1));
    assert!(report.traffic.is_none());
}

#[test]
fn lines_are_counted_over_time() {
    let report = of(SYSLOG);
    assert_eq!((report.bucket_seconds, report.histogram.len()), (1, 5));
    let first = &report.histogram[0];
    assert_eq!((first.start.as_str(), first.lines, first.errors), ("2026-01-02T03:04:05Z", 1, 0));
    assert_eq!(report.histogram[2].errors, 1);
    assert_eq!(report.plot.as_deref(), Some("/out/histogram.svg"));
    assert!(of("no time\n").plot.is_none());
}

#[test]
fn a_long_line_is_one_line() {
    let report = of(&format!("{}\nnext\r\n\n", "x".repeat(300_000)));
    assert_eq!((report.lines, report.blank_lines), (3, 1));
    assert!(report.patterns.iter().all(|it| it.example.len() <= 300));
}

#[test]
fn a_binary_file_has_a_reason_and_an_empty_one_nothing() {
    let failure = read(Sample::of_bytes(*b"a\0b"), Args { patterns_max: 2, buckets_max: 60, year: 2026 }).unwrap_err();
    assert!(failure.message().contains("zero bytes"));
    assert_eq!((of("").lines, of("").first), (0, None));
}

#[test]
fn damaged_logs_have_a_result_or_a_reason() {
    for text in [ACCESS, SYSLOG, "1767323045 x\n2026-01-02 03:04:05,678 [WARN] größe\n"] {
        hostile::survives(text.as_bytes(), |sample| {
            read(sample, Args { patterns_max: 2, buckets_max: 60, year: 2026 })
        });
    }
}
