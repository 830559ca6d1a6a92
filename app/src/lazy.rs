//! Pages whose code browsers fetch when they open one.
//!
//! The build cuts everything that only these pages reach off the module, one file per [`Part`]
//! and one for what parts share. On the server nothing is apart and nothing waits.

use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_router::ChooseView;

use crate::{
    components::page::NotLoaded,
    pages::{
        access::{AccessPage, MyAccessPage},
        access_reviews::AccessReviewsPage,
        audit_windows::AuditWindowsPage,
        bulk::{BulkPage, BulkRunPage},
        changes::ChangesPage,
        decision::{
            chain::ChainPage, edit::EditPage, fetch_decision, overrule::OverrulePage, revoke::RevokePage,
            shown::ShownPage,
        },
        factors::FactorsPage,
        grants::{GrantsPage, new::NewGrantPage, one::GrantPage},
        handovers::HandoversPage,
        health::HealthPage,
        join::JoinPage,
        keys::KeysPage,
        ledger::{EntryPage, LedgerPage},
        mapping::MappingPage,
        me::MePage,
        notices::NoticesPage,
        own_keys::OwnKeysPage,
        pauses::PausesPage,
        people::PeoplePage,
        person::PersonPage,
        policies::{PoliciesPage, PolicyVersionPage},
        policy_draft::PolicyDraftPage,
        post_reviews::PostReviewsPage,
        role_requests::{OwnRoleRequestsPage, RoleRequestsPage},
        roles::RolesPage,
        setup::SetupPage,
        sign_in::{LoggedOutPage, LoginPage},
        sso::SsoPage,
        step_up::StepUpPage,
        systems::SystemsPage,
        views::ViewsPage,
        watch::{PasskeysPage, SessionsPage},
    },
};

/// What is fetched together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything under `/admin`.
    Admin,
    /// Signing in, and what concerns oneself.
    Account,
    /// The ledger and its entries.
    Ledger,
    /// Policies, their versions and drafts; grants, pauses, post-reviews and notes for the next shift, which the same people reach.
    Policies,
    /// A decision as people rule on it: its page, and the same beside the queue.
    Decision,
    /// What stands beside the page of a decision: editing what is proposed, who answers for it, overriding and revoking, and
    /// several decisions side by side.
    Decisions,
}

impl Part {
    /// Names the part that holds the page of a path, with the query that selects what is shown on it.
    ///
    /// A page is hydrated at once, so its part must be there before: an address is known earlier than a match.
    pub(crate) fn of(path: &str, query: &str) -> Option<Self> {
        let selects = || query.trim_start_matches('?').split('&').any(|pair| pair.starts_with("sel="));
        let mut segments = path.split('/').skip(1);
        match segments.next().unwrap_or_default() {
            "admin" => Some(Self::Admin),
            "me" | "step-up" | "setup" | "join" | "login" | "logged-out" => Some(Self::Account),
            "ledger" => Some(Self::Ledger),
            "policies" | "pauses" | "handovers" | "post-reviews" | "grants" => Some(Self::Policies),
            "bulk" => Some(Self::Decisions),
            "queue" => selects().then_some(Self::Decision),
            "decisions" => match (segments.next(), segments.next()) {
                (Some(_), None) => Some(Self::Decision),
                (Some(_), Some("edit" | "chain" | "revoke" | "shown" | "override")) => Some(Self::Decisions),
                _ => None,
            },
            _ => None,
        }
    }

    /// Fetches the part, unless it is here; a failure is not kept, so the next call tries again.
    pub(crate) async fn fetch(self) -> Result<(), NotFetched> {
        match self {
            Self::Admin => fetch_admin().await?,
            Self::Account => fetch_account().await?,
            Self::Ledger => fetch_ledger().await?,
            Self::Policies => fetch_policies().await?,
            Self::Decision => fetch_decision().await?,
            Self::Decisions => fetch_decisions().await?,
        }
        Ok(())
    }
}

/// A part did not come: the network is gone, or the server has another build by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotFetched;

impl From<SplitLoaderError> for NotFetched {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// A page under `/admin`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Admin {
    Access,
    AuditWindows,
    Changes,
    Health,
    Keys,
    Mapping,
    Notices,
    Passkeys,
    People,
    Person,
    Recertification,
    RoleRequests,
    Roles,
    Sessions,
    Sso,
    Systems,
}

#[wasm_split(admin, wasm_split_path = leptos::wasm_split, preload(fetch_admin), fallible)]
fn admin(page: Admin) -> Result<AnyView, NotFetched> {
    Ok(match page {
        Admin::Access => AccessPage().into_any(),
        Admin::AuditWindows => AuditWindowsPage().into_any(),
        Admin::Changes => ChangesPage().into_any(),
        Admin::Health => HealthPage().into_any(),
        Admin::Keys => KeysPage().into_any(),
        Admin::Mapping => MappingPage().into_any(),
        Admin::Notices => NoticesPage().into_any(),
        Admin::Passkeys => PasskeysPage().into_any(),
        Admin::People => PeoplePage().into_any(),
        Admin::Person => PersonPage().into_any(),
        Admin::Recertification => AccessReviewsPage().into_any(),
        Admin::RoleRequests => RoleRequestsPage().into_any(),
        Admin::Roles => RolesPage().into_any(),
        Admin::Sessions => SessionsPage().into_any(),
        Admin::Sso => SsoPage().into_any(),
        Admin::Systems => SystemsPage().into_any(),
    })
}

/// A page about signing in or oneself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Account {
    Access,
    Factors,
    Join,
    Keys,
    LoggedOut,
    Login,
    Me,
    RoleRequests,
    Setup,
    StepUp,
    Views,
}

#[wasm_split(account, wasm_split_path = leptos::wasm_split, preload(fetch_account), fallible)]
fn account(page: Account) -> Result<AnyView, NotFetched> {
    Ok(match page {
        Account::Access => MyAccessPage().into_any(),
        Account::Factors => FactorsPage().into_any(),
        Account::Join => JoinPage().into_any(),
        Account::Keys => OwnKeysPage().into_any(),
        Account::LoggedOut => LoggedOutPage().into_any(),
        Account::Login => LoginPage().into_any(),
        Account::Me => MePage().into_any(),
        Account::RoleRequests => OwnRoleRequestsPage().into_any(),
        Account::Setup => SetupPage().into_any(),
        Account::StepUp => StepUpPage().into_any(),
        Account::Views => ViewsPage().into_any(),
    })
}

/// A page of the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ledger {
    Entry,
    Whole,
}

#[wasm_split(ledger, wasm_split_path = leptos::wasm_split, preload(fetch_ledger), fallible)]
fn ledger(page: Ledger) -> Result<AnyView, NotFetched> {
    Ok(match page {
        Ledger::Entry => EntryPage().into_any(),
        Ledger::Whole => LedgerPage().into_any(),
    })
}

/// A page about policies, grants, pauses, post-reviews or notes for the next shift.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Policies {
    All,
    Draft,
    Grant,
    Grants,
    Handovers,
    NewGrant,
    Pauses,
    PostReviews,
    Version,
}

#[wasm_split(policies, wasm_split_path = leptos::wasm_split, preload(fetch_policies), fallible)]
fn policies(page: Policies) -> Result<AnyView, NotFetched> {
    Ok(match page {
        Policies::All => PoliciesPage().into_any(),
        Policies::Draft => PolicyDraftPage().into_any(),
        Policies::Grant => GrantPage().into_any(),
        Policies::Grants => GrantsPage().into_any(),
        Policies::Handovers => HandoversPage().into_any(),
        Policies::NewGrant => NewGrantPage().into_any(),
        Policies::Pauses => PausesPage().into_any(),
        Policies::PostReviews => PostReviewsPage().into_any(),
        Policies::Version => PolicyVersionPage().into_any(),
    })
}

/// A page beside that of a decision.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decisions {
    Bulk,
    BulkRun,
    Chain,
    Edit,
    Overrule,
    Revoke,
    Shown,
}

#[wasm_split(decisions, wasm_split_path = leptos::wasm_split, preload(fetch_decisions), fallible)]
fn decisions(page: Decisions) -> Result<AnyView, NotFetched> {
    Ok(match page {
        Decisions::Bulk => BulkPage().into_any(),
        Decisions::BulkRun => BulkRunPage().into_any(),
        Decisions::Chain => ChainPage().into_any(),
        Decisions::Edit => EditPage().into_any(),
        Decisions::Overrule => OverrulePage().into_any(),
        Decisions::Revoke => RevokePage().into_any(),
        Decisions::Shown => ShownPage().into_any(),
    })
}

/// A route's page that stands in a part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lazy {
    Admin(Admin),
    Account(Account),
    Ledger(Ledger),
    Policies(Policies),
    Decisions(Decisions),
}

impl Lazy {
    const fn part(self) -> Part {
        match self {
            Self::Admin(_) => Part::Admin,
            Self::Account(_) => Part::Account,
            Self::Ledger(_) => Part::Ledger,
            Self::Policies(_) => Part::Policies,
            Self::Decisions(_) => Part::Decisions,
        }
    }
}

impl ChooseView for Lazy {
    async fn choose(self) -> AnyView {
        #[cfg(feature = "ssr")]
        debug_assert_eq!(
            crate::shell::path().as_deref().and_then(|path| Part::of(path, "")),
            Some(self.part()),
            "{self:?}"
        );
        let view = match self {
            Self::Admin(page) => admin(page).await,
            Self::Account(page) => account(page).await,
            Self::Ledger(page) => ledger(page).await,
            Self::Policies(page) => policies(page).await,
            Self::Decisions(page) => decisions(page).await,
        };
        view.unwrap_or_else(|NotFetched| NotLoaded().into_any())
    }

    async fn preload(&self) {
        // What fails here fails again in `choose`, which says so.
        let _ = self.part().fetch().await;
    }
}

/// Takes over the page that the server drew, once its part is here. Without it the page stays as it is and says so.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    let location = window().location();
    let (path, query) = (location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    let Some(part) = Part::of(&path, &query) else { return leptos::mount::hydrate_body(crate::App) };

    wasm_bindgen_futures::spawn_local(async move {
        match part.fetch().await {
            Ok(()) => leptos::mount::hydrate_body(crate::App),
            Err(NotFetched) => say_not_live(),
        }
    });
}

#[cfg(feature = "hydrate")]
fn say_not_live() {
    use leptos::tachys::view::{Mountable as _, Render as _};

    let Some(main) = document().get_element_by_id("main") else { return };
    Owner::new().with(|| {
        let mut notice = crate::components::page::NotLive().into_view().build();
        notice.mount(&main, main.first_child().as_ref());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_page_opens_with_is_in_no_part() {
        let of = |path| Part::of(path, "");

        assert_eq!([of("/"), of("/queue"), of("/verify"), of("/nowhere")], [None; 4]);
        assert_eq!(of("/decisions/1"), Some(Part::Decision));
        assert_eq!(
            [of("/decisions/1/edit"), of("/decisions/1/chain"), of("/decisions/1/revoke")],
            [Some(Part::Decisions); 3]
        );
        assert_eq!([of("/bulk"), of("/bulk/1")], [Some(Part::Decisions); 2]);
        assert_eq!([of("/decisions"), of("/decisions/1/proof")], [None; 2]);
        assert_eq!([of("/admin"), of("/admin/people/1")], [Some(Part::Admin); 2]);
        assert_eq!([of("/policies/1"), of("/pauses")], [Some(Part::Policies); 2]);
        assert_eq!([of("/me"), of("/me/factors"), of("/login")], [Some(Part::Account); 3]);
        assert_eq!([of("/ledger"), of("/ledger/12"), of("/ledgers")], [Some(Part::Ledger), Some(Part::Ledger), None]);
    }

    #[test]
    fn a_queue_with_a_selected_decision_needs_that_decision() {
        let of = |query| Part::of("/queue", query);

        assert_eq!([of("?sel=1"), of("?view=team&sel=1"), of("sel=1")], [Some(Part::Decision); 3]);
        assert_eq!([of(""), of("?"), of("?view=team"), of("?counsel=1")], [None; 4]);
    }
}
