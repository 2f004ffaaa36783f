//! Which part of a file a request is for, if any: conditions and ranges of RFC 9110, sections 13 and 14. Pure.

use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::header;
use axum::http::header::HeaderName;

const RANGE_HEADER_BYTES_MAX: usize = 256;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// 304: the client has it.
    NotModified,
    /// 412: it is another than the client means.
    Failed,
    Serve(Part),
}

/// What is to be served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Range { first: u64, end: u64 },
    Unsatisfiable,
}

/// Looks at the conditions in the order of RFC 9110, section 13.2.2; `etag` is strong and quoted.
pub(super) fn decide(headers: &HeaderMap, method: &Method, (etag, bytes): (&str, u64)) -> Decision {
    let listed = |name: HeaderName, strip: &str| {
        let values = headers.get_all(name).iter().filter_map(|it| it.to_str().ok());
        let mut tags = values.flat_map(|it| it.split(',')).map(str::trim);
        tags.any(|it| it == "*" || it.strip_prefix(strip).unwrap_or(it) == etag)
    };
    // If-Match compares strongly, If-None-Match weakly.
    if headers.contains_key(header::IF_MATCH) && !listed(header::IF_MATCH, "") {
        return Decision::Failed;
    }
    if listed(header::IF_NONE_MATCH, "W/") {
        return Decision::NotModified;
    }
    let text = |name: HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    let same = text(header::IF_RANGE).is_none_or(|it| it == etag);
    let range = text(header::RANGE).filter(|_| same && method == Method::GET);
    Decision::Serve(range.map_or(Part::Whole, |range| part(range, bytes)))
}

/// One range is served; several, or what is no range, are answered with the whole, as RFC 9110 section 14.2 allows.
fn part(range: &str, bytes: u64) -> Part {
    let spec = range.strip_prefix("bytes=").filter(|it| it.len() <= RANGE_HEADER_BYTES_MAX && !it.contains(','));
    let Some((first, last)) = spec.and_then(|it| it.trim().split_once('-')) else { return Part::Whole };
    let number = |text: &str| {
        // `parse` alone would take a sign.
        text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if last < first => Part::Whole,
        (Some(first), _) if first >= bytes && (last.is_empty() || number(last).is_some()) => Part::Unsatisfiable,
        (Some(first), Some(last)) => Part::Range { first, end: last.saturating_add(1).min(bytes) },
        (Some(first), None) if last.is_empty() => Part::Range { first, end: bytes },
        (None, Some(0)) if first.is_empty() => Part::Unsatisfiable,
        (None, Some(_)) if first.is_empty() && bytes == 0 => Part::Unsatisfiable,
        (None, Some(tail)) if first.is_empty() => Part::Range { first: bytes.saturating_sub(tail), end: bytes },
        (None | Some(_), _) => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_file() {
        let cut = |range| part(range, 10);
        assert_eq!(cut("bytes=0-3"), Part::Range { first: 0, end: 4 });
        assert_eq!(cut("bytes=9-"), Part::Range { first: 9, end: 10 });
        assert_eq!(cut("bytes=-3"), Part::Range { first: 7, end: 10 });
        assert_eq!(cut("bytes=-30"), Part::Range { first: 0, end: 10 });
        assert_eq!(cut("bytes=5-99999999999999999999"), Part::Whole);
        assert_eq!(cut("bytes=0-18446744073709551615"), Part::Range { first: 0, end: 10 });
    }

    #[test]
    fn what_starts_past_the_end_cannot_be_served() {
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            assert_eq!(part(range, 10), Part::Unsatisfiable, "{range}");
        }
        assert_eq!(part("bytes=-5", 0), Part::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_gets_the_whole() {
        for range in
            ["bytes=3-1", "bytes=0-1,4-5", "lines=1-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=+1-2", "bytes=1-x"]
        {
            assert_eq!(part(range, 10), Part::Whole, "{range}");
        }
    }

    #[test]
    fn conditions_come_before_ranges() {
        let decided = |method: &Method, headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append::<HeaderName>(name, value);
            }
            decide(&map, method, ("\"a\"", 10))
        };
        let range = Decision::Serve(Part::Range { first: 0, end: 2 });
        let get = |headers| decided(&Method::GET, headers);
        assert_eq!(get(&[]), Decision::Serve(Part::Whole));
        assert_eq!(get(&[("range", "bytes=0-1")]), range);
        assert_eq!(get(&[("range", "bytes=0-1"), ("if-range", "\"a\"")]), range);
        assert_eq!(get(&[("range", "bytes=0-1"), ("if-range", "W/\"a\"")]), Decision::Serve(Part::Whole));
        assert_eq!(get(&[("range", "bytes=0-1"), ("if-none-match", "W/\"a\"")]), Decision::NotModified);
        assert_eq!(get(&[("if-none-match", "\"b\""), ("if-none-match", "\"c\", \"a\"")]), Decision::NotModified);
        assert_eq!(get(&[("if-none-match", "*")]), Decision::NotModified);
        assert_eq!(get(&[("if-match", "\"b\"")]), Decision::Failed);
        assert_eq!(get(&[("if-match", "W/\"a\"")]), Decision::Failed);
        assert_eq!(get(&[("if-match", "\"b\", \"a\"")]), Decision::Serve(Part::Whole));
        assert_eq!(decided(&Method::HEAD, &[("range", "bytes=0-1")]), Decision::Serve(Part::Whole));
    }
}
