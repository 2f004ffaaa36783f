//! What a client calls its file: `Content-Disposition` (RFC 6266, with `filename*` of RFC 8187), else `?filename=`.

use axum::http::HeaderMap;
use axum::http::header;

use super::super::error::Problem;

/// Longest name that is kept, characters.
const NAME_CHARS_MAX: usize = 255;

/// The name that a raw upload goes by; `upload` when nothing tells another.
pub(super) fn of_request(headers: &HeaderMap, query: Option<&str>) -> Result<String, Problem> {
    let by_query = of_query(query.unwrap_or_default())?;
    Ok(of_disposition(headers).or(by_query).map_or_else(|| "upload".to_owned(), |name| cut(&name)))
}

/// A name no longer than is kept.
pub(in super::super) fn cut(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

fn of_disposition(headers: &HeaderMap) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(header::CONTENT_DISPOSITION)?.as_bytes());
    let parameters = |text: &str| mailparse::parse_content_disposition(text).params;
    let mut found = parameters(&value);
    // Mail keeps the plain name where both are given; HTTP wants the extended one, which is then left as it came.
    if let Some(extended) = found.remove("filename*") {
        found.extend(parameters(&format!("attachment; filename*={extended}")));
    }
    found.remove("filename").filter(|name| !name.is_empty())
}

fn of_query(query: &str) -> Result<Option<String>, Problem> {
    let mut found = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "filename" {
            return Err(Problem::bad_request("the only query parameter of /upload is `filename`"));
        }
        found = Some(value.into_owned()).filter(|it| !it.is_empty());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_the_file_in_every_form_that_clients_use() {
        for (disposition, name) in [
            (r#"attachment; filename="a b.txt""#, "a b.txt"),
            (r#"attachment; filename=plain.txt"#, "plain.txt"),
            (r#"attachment; filename="semi;colon.txt""#, "semi;colon.txt"),
            (r#"attachment; filename="quo\"te.txt""#, "quo\"te.txt"),
            (r#"attachment; FileName="case.txt""#, "case.txt"),
            ("attachment; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
            ("attachment; filename=\"EURO rates.txt\"; filename*=utf-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
            ("attachment; filename*=utf-8''%e2%82%ac.txt; filename=\"EURO.txt\"", "€.txt"),
            ("attachment", "upload"),
            ("filename=", "upload"),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_DISPOSITION, disposition.parse().unwrap())]);
            assert_eq!(of_request(&headers, None).unwrap(), name, "{disposition}");
        }
    }

    #[test]
    fn the_query_names_it_when_the_header_does_not() {
        let long = format!("filename={}", "x".repeat(9999));
        let of = |query| of_request(&HeaderMap::new(), query);
        assert_eq!(of(Some("filename=a+b%2Fc.txt")).unwrap(), "a b/c.txt");
        assert_eq!(of(Some("")).unwrap(), "upload");
        assert_eq!(of(Some(long.as_str())).unwrap().len(), NAME_CHARS_MAX);
        assert!(of(Some("name=x")).is_err());
    }
}
