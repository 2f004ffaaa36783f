//! The route table: what is routed is described, and nothing else is.

use std::fmt;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::routing::MethodFilter;
use axum::routing::MethodRouter;

use super::super::Api;
use super::super::gate::Gate;
use super::super::keys;
use super::about::About;
use super::answer::Answer;
use super::endpoint::Endpoint;
use super::endpoint::Taken;
use super::schemas::Schemas;

/// Routes, and what is said of each.
#[derive(Debug, Default)]
pub struct Routes {
    router: Router<Api>,
    pub(super) operations: Vec<Operation>,
}

/// One method at one path.
pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    pub(super) about: About,
    pub(super) describe: fn(&mut Taken, &mut Schemas) -> Vec<Answer>,
}

/// What is taken at one path.
#[derive(Default)]
pub struct Methods {
    router: MethodRouter<Api>,
    operations: Vec<Operation>,
}

impl Routes {
    /// With what is taken at that path.
    #[must_use]
    pub fn at(mut self, path: &'static str, methods: Methods) -> Self {
        self.operations.extend(methods.operations.into_iter().map(|it| Operation { path, ..it }));
        Self { router: self.router.route(path, methods.router), ..self }
    }

    /// With what else is done to all requests of these routes.
    #[must_use]
    pub fn behind(self, layer: impl FnOnce(Router<Api>) -> Router<Api>) -> Self {
        Self { router: layer(self.router), ..self }
    }

    /// With those of the other.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.operations.extend(other.operations);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// What serves them.
    pub fn router(self) -> Router<Api> {
        self.router
    }
}

/// Defines a function for each method, and one to go on with after another.
macro_rules! methods {
    ($($name:ident $filter:ident)+) => {
        $(#[doc = concat!("`", stringify!($filter), "` is taken.")]
        pub fn $name<H, M: 'static, T>(about: About, handler: H) -> Methods
        where
            H: Handler<M, Api> + Endpoint<T>,
        {
            Methods::default().$name(about, handler)
        })+

        impl Methods {
            $(#[doc = concat!("`", stringify!($filter), "` is taken too.")]
            #[must_use]
            pub fn $name<H, M: 'static, T>(self, about: About, handler: H) -> Self
            where
                H: Handler<M, Api> + Endpoint<T>,
            {
                self.on((stringify!($name), MethodFilter::$filter), about, handler)
            })+
        }
    };
}

methods! {
    get GET
    head HEAD
    put PUT
    post POST
    patch PATCH
    delete DELETE
    options OPTIONS
}

impl Methods {
    fn on<H, M: 'static, T>(mut self, (method, filter): (&'static str, MethodFilter), about: About, handler: H) -> Self
    where
        H: Handler<M, Api> + Endpoint<T>,
    {
        self.operations.push(Operation { path: "", method, about, describe: H::describe });
        let need = about.need;
        let guarded = handler.layer(Gate(move |request: &mut Request| keys::check(need, request)));
        Self { router: self.router.on(filter, guarded), ..self }
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.operations).finish()
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
