use std::sync::Arc;

use super::*;
use crate::store::probe::Change;
use crate::store::probe::Probe;
use crate::store::runs::RunState;

/// Lets nothing be removed with what is in it.
#[derive(Debug)]
struct Clinging;

impl Probe for Clinging {
    fn before(&self, change: Change<'_>) -> io::Result<()> {
        let below =
            matches!(change, Change::RemoveTree(path) if path.parent().is_some_and(|it| it.ends_with("staging")));
        if below { Err(io::Error::other("broken")) } else { Ok(()) }
    }

    fn after(&self, _: Change<'_>) {}
}

#[test]
fn what_is_gone_for_every_reader_is_told_as_gone_though_it_takes_room_still() {
    let World { dir, store, key } = world();
    drop(store);
    let options = Options { durability: Durability::Process, reserve_bytes: 0, probe: Some(Arc::new(Clinging)) };
    let store = Store::open(dir.path(), options).unwrap();
    store.remove_run(key).unwrap();
    assert!(matches!(store.state(key).unwrap(), RunState::Unknown));
    store.delete_upload(key.file_id, Timestamp::from_unix_ms(0)).unwrap();
    assert!(store.upload(key.file_id).unwrap().is_none());
    assert_eq!(entries(&dir.path().join("staging")).unwrap().len(), 2);
    drop(store);
    let store = Store::open(dir.path(), Options { durability: Durability::Process, reserve_bytes: 0, probe: None });
    assert_eq!(store.unwrap().check().unwrap().findings, []);
}
