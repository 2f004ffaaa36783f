//! The server is killed in place of each change of the data directory that a resumable upload makes, and the next one
//! goes on with what was answered.

use super::PIECE;
use super::TUS;
use super::bytes;
use super::id_of;
use crate::server::Life;

const LENGTH: usize = 70_000;
const HALF: usize = 30_000;

/// One who stops when nobody answers.
struct Client(String);

struct Told {
    status: u16,
    location: String,
    offset: usize,
    file: String,
}

impl Client {
    fn send(&self, (method, path): (&str, &str), headers: &[(&str, &str)], body: &[u8]) -> Option<Told> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.0));
        let request = headers.iter().fold(request.header(TUS.0, TUS.1), |it, (name, value)| it.header(*name, *value));
        let response = match method {
            "HEAD" => agent.run(request.body(()).unwrap()),
            _ => agent.run(request.body(body).unwrap()),
        };
        let response = response.ok()?;
        let header = |name: &str| response.headers().get(name).map_or("", |it| it.to_str().unwrap()).to_owned();
        Some(Told {
            status: response.status().as_u16(),
            location: header("location"),
            offset: header("upload-offset").parse().unwrap_or(0),
            file: header("belljar-file-id"),
        })
    }

    fn begin(&self) -> Option<Told> {
        self.send(("POST", "/resumable"), &[("upload-length", &LENGTH.to_string())], b"")
    }

    fn append(&self, path: &str, offset: usize, bytes: &[u8]) -> Option<Told> {
        self.send(("PATCH", path), &[PIECE, ("upload-offset", &offset.to_string())], bytes)
    }

    /// From whatever offset it has.
    fn go_on(&self, path: &str, whole: &[u8]) -> (usize, String) {
        let head = self.send(("HEAD", path), &[], b"").unwrap();
        assert_eq!(head.status, 200, "what was begun is there");
        let last = self.append(path, head.offset, &whole[head.offset..]).unwrap();
        assert_eq!((last.status, last.offset), (204, LENGTH));
        (head.offset, last.file)
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn a_server_that_dies_at_any_change_goes_on_with_what_it_answered() {
    let life = Life::with(&[]);
    drop(life.start(&[]));
    let mut deaths = 0;
    for number in 1_u32.. {
        let whole: Vec<u8> = [&number.to_le_bytes()[..], &bytes(LENGTH - 4)].concat();
        let (url, mortal) = life.start(&["--fault", &format!("die:{number}")]);
        let Some(client) = url.map(Client) else { continue };
        let begun = client.begin();
        let path = begun.as_ref().map(|it| it.location.clone());
        let half = path.as_ref().and_then(|path| client.append(path, 0, &whole[..HALF]));
        let last = half.as_ref().and_then(|_| client.append(path.as_ref().unwrap(), HALF, &whole[HALF..]));
        let label = mortal.label();
        if label.is_none() {
            assert_eq!(last.unwrap().file, id_of(&whole));
            break;
        }
        deaths += 1;
        let Some(path) = path else { continue };
        let (url, _mortal) = life.start(&[]);
        let client = Client(url.unwrap());
        let (offset, file) = client.go_on(&path, &whole);
        let answered = [&half, &last].iter().filter_map(|it| it.as_ref()).map(|it| it.offset).max().unwrap_or(0);
        assert!(offset >= answered, "{label:?}: {answered} were answered, {offset} are there");
        assert_eq!(file, id_of(&whole), "{label:?}");
        assert_eq!(std::fs::read_dir(life.data().join("staging")).unwrap().count(), 0, "{label:?}");
    }
    println!("{deaths} deaths");
    assert!(deaths > 25, "{deaths}: too little happened");
}
