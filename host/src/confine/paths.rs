//! Landlock: every access to files, to the network and to other processes is handled, and none is allowed.

use landlock::ABI;
use landlock::Access;
use landlock::AccessFs;
use landlock::AccessNet;
use landlock::CompatLevel;
use landlock::Compatible;
use landlock::Ruleset;
use landlock::RulesetAttr;
use landlock::RulesetError;
use landlock::RulesetStatus;
use landlock::Scope;

use crate::wire::Wall;

/// Takes every path away, and tells how far this kernel could.
pub(super) fn restrict() -> Wall {
    match ruleset() {
        Ok(RulesetStatus::FullyEnforced) => Wall::Enforced,
        Ok(RulesetStatus::PartiallyEnforced) => Wall::Partial,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Wall::Missing,
    }
}

fn ruleset() -> Result<RulesetStatus, RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}
