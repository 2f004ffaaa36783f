//! Pages of other sites: those that the operator lists may use a server, with a token of their own.

use crate::server::Server;
use crate::tokens::made_with;

const LISTED: &str = "https://lab.example";

#[test]
fn a_listed_site_is_let_in_and_told_so_and_no_other() {
    let server = Server::start_with(&[], &["--cors-origin", LISTED, "--shipped", "none"]);
    let asks = [("origin", LISTED), ("access-control-request-method", "PATCH")];
    let preflight = server.send(("OPTIONS", "/upload"), &asks, b"").expect(200);
    assert_eq!(preflight.header("access-control-allow-origin"), LISTED);
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(preflight.header("access-control-allow-headers").contains("upload-offset"));
    let page = |origin| [("origin", origin), ("sec-fetch-site", "cross-site")];
    let taken = server.post("/upload?filename=a", &page(LISTED), b"abc").expect(200);
    assert_eq!(taken.header("access-control-allow-origin"), LISTED);
    assert!(taken.header("access-control-expose-headers").contains("ratelimit"));
    assert!(taken.header("vary").contains("origin"));
    let refused = server.post("/upload?filename=a", &page("https://other.example"), b"abc").expect(403);
    assert_eq!(refused.header("access-control-allow-origin"), "");
    // What no browser asks beforehand is the routes' affair.
    let spoken = server.send(("OPTIONS", "/resumable"), &[], b"").expect(204);
    assert_eq!(spoken.header("tus-version"), "1.0.0");
}

#[test]
fn a_listed_site_does_not_act_with_the_cookie_of_this_ones_page() {
    let server = Server::start_with(&[], &["--cors-origin", LISTED, "--require-tokens", "--shipped", "none"]);
    let holder = made_with(&server, "main", &[]);
    let cookie = format!("belljar-token={}", holder.0.strip_prefix("Bearer ").unwrap());
    server.send(("GET", "/upload"), &[("cookie", &cookie)], b"").expect(200);
    for site in ["cross-site", "same-site"] {
        let fields = [("origin", LISTED), ("sec-fetch-site", site), ("cookie", &*cookie)];
        server.send(("GET", "/upload"), &fields, b"").expect(401);
        server.post("/upload?filename=a", &fields, b"abc").expect(401);
        let own = [("origin", LISTED), ("sec-fetch-site", site), ("authorization", &*holder.0)];
        server.post("/upload?filename=a", &own, b"abc").expect(200);
    }
}
