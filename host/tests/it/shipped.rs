//! The analyses that ship, from upload to result, on the real server.

use serde_json::json;

use crate::server::Server;

#[test]
fn dummy_idles_as_long_as_its_args_or_its_name_say() {
    let server = Server::start(&[]);
    let file = server.upload("x.bin", b"x");
    for (name, args, slept) in [("dummy", json!({"seconds": 0.2}), 0.2), ("dummy_1", json!({}), 1.0)] {
        let run = server.analyse(&file, name, json!({ "args": args }));
        assert_eq!(server.get(&format!("/results/{run}")).expect(202).text(), "");
        assert_eq!(server.result(&run).expect(200).json()["slept_seconds"], slept, "{name}");
        let record = server.get(&format!("/results/{run}/run")).expect(200).json();
        assert_eq!(record["status"], "successful");
        assert!(record["duration_ms"].as_f64().unwrap() >= slept * 1000.0, "{record}");
    }
}

#[test]
fn digest_gives_the_well_known_digests() {
    let server = Server::start(&[]);
    let file = server.upload("abc.txt", b"abc");
    let result = server.result(&server.analyse(&file, "digest", json!({}))).expect(200).json();
    assert_eq!(result["sha1"], file.as_str());
    assert_eq!(result["md5"], "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(result["crc32"], "352441c2");
    assert_eq!(result["size_bytes"], 3);
}

#[test]
fn entropy_draws_a_plot_that_can_be_downloaded_and_cannot_script() {
    let server = Server::start(&[]);
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 16).collect();
    let file = server.upload("ramp.bin", &bytes);
    let run = server.analyse(&file, "entropy", json!({"args": {"windows": 8}}));
    let result = server.result(&run).expect(200).json();
    assert_eq!(result["entropy_bits"], 8.0);
    assert_eq!(result["windows"].as_array().unwrap().len(), 8);
    let plot = server.get(result["plot"].as_str().unwrap()).expect(200);
    assert!(plot.text().starts_with("<svg"));
    assert_eq!(plot.header("content-type"), "image/svg+xml");
    assert!(plot.header("content-security-policy").contains("sandbox"));
    assert_eq!(plot.header("x-content-type-options"), "nosniff");
}

#[test]
fn a_restart_keeps_results_and_installs_from_what_is_stored() {
    let mut server = Server::start(&[]);
    let file = server.upload("abc.txt", b"abc");
    let run = server.analyse(&file, "digest", json!({}));
    let before = server.result(&run).expect(200).body;
    let programs = || std::fs::read_dir(server.data().join("programs")).unwrap().count();
    let installed = programs();
    server.crash_and_restart();
    assert_eq!(std::fs::read_dir(server.data().join("programs")).unwrap().count(), installed);
    assert_eq!(server.get(&format!("/results/{run}")).expect(200).body, before);
    let again = server.analyse(&file, "digest", json!({"rerun": true}));
    assert_eq!(again, run);
    assert_eq!(server.result(&run).expect(200).body, before, "the same bytes again");
}
