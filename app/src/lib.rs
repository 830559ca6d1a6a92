//! Pages, components and thin server functions of Countersign.
//!
//! Every page is whole HTML that works without JavaScript: links move, forms post. In the browser
//! the same views hydrate and gain live updates, keys and countdowns. There are no rules and no SQL
//! here: a server function takes `Engine` and `Caller` out of the request, calls one use
//! case of the engine and shapes the answer.
//!
//! Start with [`App`] for the map of pages, [`shell`] for the document around them, `answer` for
//! how a form learns what became of it, and `door` for what the server calls.

// A page is one deep type.
#![recursion_limit = "256"]
#![expect(unreachable_pub, reason = "the macros of components and server functions write `pub` items")]

mod answer;
mod clock;
mod components;
#[cfg(feature = "ssr")]
pub mod door;
mod drafts;
mod error;
mod frame;
mod keys;
mod live;
mod pages;
mod passkey;
#[cfg(feature = "ssr")]
mod request;
mod shell;
pub mod site;
mod wire;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

#[cfg(feature = "ssr")]
pub use crate::pages::sign_in::local_path;
pub use crate::{error::Error, shell::shell};

use crate::{
    frame::Frame,
    pages::{
        access::{AccessPage, MyAccessPage},
        access_reviews::AccessReviewsPage,
        audit_windows::AuditWindowsPage,
        changes::ChangesPage,
        decision::DecisionPage,
        factors::FactorsPage,
        health::HealthPage,
        home::HomePage,
        join::JoinPage,
        keys::KeysPage,
        ledger::{EntryPage, LedgerPage},
        mapping::MappingPage,
        me::MePage,
        not_found::NotFoundPage,
        people::PeoplePage,
        person::PersonPage,
        queue::QueuePage,
        roles::RolesPage,
        setup::SetupPage,
        sign_in::{LoggedOutPage, LoginPage},
        sso::SsoPage,
        step_up::StepUpPage,
        systems::SystemsPage,
        verify::VerifyPage,
        watch::{PasskeysPage, SessionsPage},
    },
};

/// The whole application: the frame and the page that the address names.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();

    view! {
        <Router>
            <Frame>
                <Routes fallback=|| NotFoundPage().into_any()>
                    <Route path=path!("/") view=|| HomePage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/queue") view=|| QueuePage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/decisions/:id") view=|| DecisionPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/ledger") view=|| LedgerPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/ledger/:index") view=|| EntryPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/verify") view=|| VerifyPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/people") view=|| PeoplePage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/people/:person") view=|| PersonPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/roles") view=|| RolesPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/changes") view=|| ChangesPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/sso") view=|| SsoPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/sso/:provider") view=|| MappingPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/systems") view=|| SystemsPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/access") view=|| AccessPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/keys") view=|| KeysPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/audit-windows") view=|| AuditWindowsPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/recertification") view=|| AccessReviewsPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/health") view=|| HealthPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/me/access") view=|| MyAccessPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/me") view=|| MePage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/me/factors") view=|| FactorsPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/step-up") view=|| StepUpPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/sessions") view=|| SessionsPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/passkeys") view=|| PasskeysPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/setup") view=|| SetupPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/join") view=|| JoinPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/login") view=|| LoginPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/logged-out") view=|| LoggedOutPage().into_any() ssr=SsrMode::Async/>
                </Routes>
            </Frame>
        </Router>
    }
}
