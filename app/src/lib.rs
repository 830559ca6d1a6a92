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
mod lazy;
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

#[cfg(feature = "hydrate")]
pub use crate::lazy::hydrate;
#[cfg(feature = "ssr")]
pub use crate::pages::sign_in::local_path;
pub use crate::{error::Error, shell::shell};

use crate::{
    frame::Frame,
    lazy::{Account, Admin, Decisions, Lazy, Ledger, Policies},
    pages::{decision::DecisionPage, home::HomePage, not_found::NotFoundPage, queue::QueuePage, verify::VerifyPage},
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
                    <Route path=path!("/decisions/:id/edit") view=Lazy::Decisions(Decisions::Edit) ssr=SsrMode::Async/>
                    <Route path=path!("/decisions/:id/chain") view=Lazy::Decisions(Decisions::Chain) ssr=SsrMode::Async/>
                    <Route path=path!("/decisions/:id/revoke") view=Lazy::Decisions(Decisions::Revoke) ssr=SsrMode::Async/>
                    <Route path=path!("/decisions/:id/shown/:review") view=Lazy::Decisions(Decisions::Shown) ssr=SsrMode::Async/>
                    <Route path=path!("/bulk") view=Lazy::Decisions(Decisions::Bulk) ssr=SsrMode::Async/>
                    <Route path=path!("/bulk/:run") view=Lazy::Decisions(Decisions::BulkRun) ssr=SsrMode::Async/>
                    <Route path=path!("/decisions/:id/override") view=Lazy::Decisions(Decisions::Overrule) ssr=SsrMode::Async/>
                    <Route path=path!("/ledger") view=Lazy::Ledger(Ledger::Whole) ssr=SsrMode::Async/>
                    <Route path=path!("/ledger/:index") view=Lazy::Ledger(Ledger::Entry) ssr=SsrMode::Async/>
                    <Route path=path!("/policies") view=Lazy::Policies(Policies::All) ssr=SsrMode::Async/>
                    <Route path=path!("/policies/drafts/:draft") view=Lazy::Policies(Policies::Draft) ssr=SsrMode::Async/>
                    <Route path=path!("/policies/:version") view=Lazy::Policies(Policies::Version) ssr=SsrMode::Async/>
                    <Route path=path!("/handovers") view=Lazy::Policies(Policies::Handovers) ssr=SsrMode::Async/>
                    <Route path=path!("/pauses") view=Lazy::Policies(Policies::Pauses) ssr=SsrMode::Async/>
                    <Route path=path!("/grants") view=Lazy::Policies(Policies::Grants) ssr=SsrMode::Async/>
                    <Route path=path!("/grants/new") view=Lazy::Policies(Policies::NewGrant) ssr=SsrMode::Async/>
                    <Route path=path!("/grants/:grant") view=Lazy::Policies(Policies::Grant) ssr=SsrMode::Async/>
                    <Route path=path!("/post-reviews") view=Lazy::Policies(Policies::PostReviews) ssr=SsrMode::Async/>
                    <Route path=path!("/verify") view=|| VerifyPage().into_any() ssr=SsrMode::Async/>
                    <Route path=path!("/admin/people") view=Lazy::Admin(Admin::People) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/people/:person") view=Lazy::Admin(Admin::Person) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/roles") view=Lazy::Admin(Admin::Roles) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/changes") view=Lazy::Admin(Admin::Changes) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/sso") view=Lazy::Admin(Admin::Sso) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/sso/:provider") view=Lazy::Admin(Admin::Mapping) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/systems") view=Lazy::Admin(Admin::Systems) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/access") view=Lazy::Admin(Admin::Access) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/keys") view=Lazy::Admin(Admin::Keys) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/audit-windows") view=Lazy::Admin(Admin::AuditWindows) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/recertification") view=Lazy::Admin(Admin::Recertification) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/health") view=Lazy::Admin(Admin::Health) ssr=SsrMode::Async/>
                    <Route path=path!("/me/access") view=Lazy::Account(Account::Access) ssr=SsrMode::Async/>
                    <Route path=path!("/me") view=Lazy::Account(Account::Me) ssr=SsrMode::Async/>
                    <Route path=path!("/me/factors") view=Lazy::Account(Account::Factors) ssr=SsrMode::Async/>
                    <Route path=path!("/step-up") view=Lazy::Account(Account::StepUp) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/sessions") view=Lazy::Admin(Admin::Sessions) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/passkeys") view=Lazy::Admin(Admin::Passkeys) ssr=SsrMode::Async/>
                    <Route path=path!("/setup") view=Lazy::Account(Account::Setup) ssr=SsrMode::Async/>
                    <Route path=path!("/join") view=Lazy::Account(Account::Join) ssr=SsrMode::Async/>
                    <Route path=path!("/login") view=Lazy::Account(Account::Login) ssr=SsrMode::Async/>
                    <Route path=path!("/me/views") view=Lazy::Account(Account::Views) ssr=SsrMode::Async/>
                    <Route path=path!("/me/keys") view=Lazy::Account(Account::Keys) ssr=SsrMode::Async/>
                    <Route path=path!("/logged-out") view=Lazy::Account(Account::LoggedOut) ssr=SsrMode::Async/>
                    <Route path=path!("/me/role-requests") view=Lazy::Account(Account::RoleRequests) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/role-requests") view=Lazy::Admin(Admin::RoleRequests) ssr=SsrMode::Async/>
                    <Route path=path!("/admin/notices") view=Lazy::Admin(Admin::Notices) ssr=SsrMode::Async/>
                </Routes>
            </Frame>
        </Router>
    }
}
