//! `Prefer: wait=N` (RFC 7240, section 4.3).

use std::time::Duration;

use axum::http::HeaderMap;

const WAIT_S_MAX: u64 = 60;

/// How long the client would rather wait; at most a minute.
pub(super) fn preferred(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok())
        .map(|seconds| Duration::from_secs(seconds.min(WAIT_S_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_of_seconds_is_a_wish() {
        let of = |value: &str| preferred(&HeaderMap::from_iter([("prefer".parse().unwrap(), value.parse().unwrap())]));
        assert_eq!(of("respond-async, wait=5"), Some(Duration::from_secs(5)));
        assert_eq!(of("Wait=\"7\""), Some(Duration::from_secs(7)));
        assert_eq!(of("wait=100000"), Some(Duration::from_secs(60)));
        assert_eq!(of("wait=-1"), None);
        assert_eq!(of("wait"), None);
    }
}
