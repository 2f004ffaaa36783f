//! `tenants/<name>/`: what each tenant has, in a data directory of its own. Whoever has a tenant's store reaches nothing of
//! another's: there is no path to it. The tenant `main` has the data directory itself, so that what was stored without keys
//! is where it was.
//!
//! All of them lie on one file system and share its group commit, its lock and its reserve.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;

use super::FORMAT;
use super::STRIPES;
use super::Store;
use super::lists::Listing;
use crate::id::Tenant;

pub(super) const TENANTS: &str = "tenants";
/// What a tenant's has from its beginning: modules and programs are for all.
const DIRECTORIES: [&str; 5] = ["staging", "queue", "gone", "partial", "notify"];

/// Every tenant's.
#[derive(Debug)]
pub struct Stores {
    main: Arc<Store>,
    others: RwLock<BTreeMap<Tenant, Arc<Store>>>,
}

impl Stores {
    /// Of a data directory, with all tenants that it has.
    ///
    /// # Errors
    /// Of the disk.
    pub fn new(main: Arc<Store>) -> io::Result<Self> {
        let others = main.tenants()?.into_iter().map(|tenant| Ok((tenant, Arc::new(main.of_tenant(tenant)?))));
        let others = RwLock::new(others.collect::<io::Result<_>>()?);
        Ok(Self { main, others })
    }

    /// Of the tenant `main`: what is everybody's lies there too.
    #[must_use]
    pub fn main(&self) -> &Arc<Store> {
        &self.main
    }

    /// A tenant's, if there is one.
    #[must_use]
    pub fn known(&self, tenant: Tenant) -> Option<Arc<Store>> {
        if tenant == Tenant::MAIN {
            return Some(Arc::clone(&self.main));
        }
        self.others.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }

    /// A tenant's; it is founded if there is none, which blocks.
    ///
    /// # Errors
    /// Of the disk.
    pub fn of(&self, tenant: Tenant) -> io::Result<Arc<Store>> {
        if let Some(store) = self.known(tenant) {
            return Ok(store);
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = others.get(&tenant) {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(self.main.of_tenant(tenant)?);
        others.insert(tenant, Arc::clone(&store));
        Ok(store)
    }

    /// All that there are.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Store>> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        [&self.main].into_iter().chain(others.values()).cloned().collect()
    }
}

impl Store {
    /// The tenants that have something here, but for `main`.
    ///
    /// # Errors
    /// Of the disk.
    pub fn tenants(&self) -> io::Result<Vec<Tenant>> {
        let mut tenants = Vec::new();
        let entries = match fs::read_dir(self.base.join(TENANTS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(tenants),
            entries => entries?,
        };
        for entry in entries {
            // Nobody is called otherwise; `main` is not here.
            let tenant = entry?.file_name().to_str().and_then(|it| it.parse::<Tenant>().ok());
            tenants.extend(tenant.filter(|it| *it != Tenant::MAIN));
        }
        tenants.sort_unstable();
        Ok(tenants)
    }

    /// Opens or founds a tenant's, and sweeps what was half written.
    fn of_tenant(&self, tenant: Tenant) -> io::Result<Self> {
        let store = self.view_of_tenant(tenant);
        self.disk.make_directory(&self.base.join(TENANTS))?;
        self.disk.make_directory(&store.root)?;
        for directory in DIRECTORIES {
            self.disk.make_directory(&store.root.join(directory))?;
        }
        store.sweep_staging()?;
        if !store.root.join("FORMAT").exists() {
            self.disk.replace(&store.staging_path(), &store.root.join("FORMAT"), FORMAT.as_bytes())?;
        }
        Ok(store)
    }

    /// A tenant's as it is, by whoever has one of the same data directory.
    #[must_use]
    pub fn view_of_tenant(&self, tenant: Tenant) -> Self {
        let root = match tenant {
            Tenant::MAIN => self.base.clone(),
            _ => self.base.join(TENANTS).join(tenant.as_str()),
        };
        Self {
            tenant,
            base: self.base.clone(),
            root,
            disk: Arc::clone(&self.disk),
            reserve_bytes: self.reserve_bytes,
            staged: AtomicU64::new(0),
            boot_id: self.boot_id.clone(),
            former: self.former,
            stripes: [const { Mutex::new(()) }; STRIPES],
            listing: Listing::default(),
            _lock: None,
        }
    }
}
