//! Who owns an AI system: the line that says so, and the form that names somebody else. Part of `/admin/systems`.

use countersign_domain::{
    ids::{EntryId, SystemId},
    owner::ShownOwner,
    problem::{Code, Problem},
};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};

use super::systems::systems;
use crate::{
    Error,
    answer::{Answer, typed},
    components::{
        admin::{Line, LineKind},
        form::{Area, ErrorSummary, Submit, Weight},
        text::Literal,
        time::Moment,
    },
    wire::Json,
};

/// Names who owns a system, or that nobody does.
#[server(prefix = "/act", endpoint = "name-owner", output = Json)]
pub(crate) async fn name_owner(
    system: SystemId,
    #[server(default)] login: String,
    #[server(default)] before: String,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_engine::owners::{self, NamingRequest};

    use crate::request::{act, read_reason, request, told};

    let (engine, caller) = request()?;
    let reason = match read_reason(&reason, strings::SAY_WHY) {
        Ok(reason) => reason,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let Ok(before) =
        Some(before).filter(|before| !before.is_empty()).map(|before| before.parse::<EntryId>()).transpose()
    else {
        return Ok(told(Err(Problem::new(Code::Stale, strings::OTHER_FORM))));
    };
    let naming = NamingRequest { system, login, before, reason };
    let done = act(async move { owners::name(&engine, &caller, naming).await }).await;

    Ok(told(done.map(|()| Answer::done("/admin/systems"))))
}

/// Address of the page with the form for one system.
pub(crate) fn owner_address(system: SystemId) -> String {
    format!("/admin/systems?owner={system}")
}

/// What the page says of a system's owner, which a form that comes too late reads anew.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    system: SystemId,
    owner: RwSignal<Option<ShownOwner>>,
    entry: RwSignal<Option<EntryId>>,
}

impl Told {
    pub(super) fn new(system: SystemId, owner: Option<ShownOwner>, entry: Option<EntryId>) -> Self {
        Self { system, owner: RwSignal::new(owner), entry: RwSignal::new(entry) }
    }

    /// Reads it again and leaves what is typed alone.
    fn refresh(self) {
        spawn_local(async move {
            let Ok(view) = systems().await else { return };
            let Some(row) = view.systems.into_iter().find(|row| row.id == self.system) else { return };
            // The page may have been left meanwhile.
            let _ = self.owner.try_set(row.owner);
            let _ = self.entry.try_set(row.owner_entry);
        });
    }
}

/// Says who owns a system and since when, and leads to the form.
#[component]
pub(super) fn OwnerLine(told: Told, name: String, may_name: bool) -> impl IntoView {
    let label = format!("Change the owner of {name}");
    let who = move || match told.owner.get() {
        Some(owner) => view! {
            <span class="font-medium [overflow-wrap:anywhere]">
                <Literal text=owner.name/>
            </span>
            <span class="text-muted">
                {strings::SINCE} " " <Moment at=owner.since/>
            </span>
        }
        .into_any(),
        None => view! { <span>{strings::NOBODY}</span> }.into_any(),
    };

    view! {
        <div class="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-hairline px-5 py-2 text-compact">
            <span class="text-muted">{strings::OWNER}</span>
            {who}
            {may_name
                .then(|| {
                    view! {
                        <a href=owner_address(told.system) aria-label=label class="ml-auto text-accent underline print:hidden">
                            {strings::CHANGE}
                        </a>
                    }
                })}
        </div>
    }
}

/// Names somebody else, or nobody.
#[component]
pub(super) fn OwnerForm(
    told: Told,
    name: String,
    action: ServerAction<NameOwner>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    Effect::new(move || {
        if problem.with(|problem| problem.as_ref().is_some_and(|problem| problem.code == Code::Stale)) {
            told.refresh();
        }
    });
    let before = move || told.entry.get().map(|entry| entry.to_string()).unwrap_or_default();

    view! {
        <div class="grid gap-3 border-b border-hairline px-5 py-4">
            <h3 class="text-reading font-semibold [overflow-wrap:anywhere]">{format!("Name the owner of {name}")}</h3>
            <p class="max-w-measure text-muted">{strings::MEANS}</p>
            <ErrorSummary problem/>
            <ActionForm action attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="system" value=told.system.to_string()/>
                <input type="hidden" name="before" value=before/>
                <Line
                    id="login"
                    name="login"
                    label=strings::LOGIN
                    kind=LineKind::Text
                    hint=strings::LOGIN_HINT
                    value={typed::<NameOwner>("login")}
                    problem
                />
                <Area
                    name="reason"
                    label=strings::REASON
                    hint=strings::REASON_HINT
                    value={typed::<NameOwner>("reason")}
                    rows=3
                    problem
                />
                <div class="flex flex-wrap gap-3">
                    <Submit weight=Weight::Primary pending=action.pending()>
                        {strings::SEND}
                    </Submit>
                    <a href="/admin/systems" class=Weight::Plain.class()>
                        {strings::CANCEL}
                    </a>
                </div>
            </ActionForm>
        </div>
    }
}

mod strings {
    pub(super) const OWNER: &str = "Owner";
    pub(super) const NOBODY: &str = "Nobody owns it";
    pub(super) const SINCE: &str = "since";
    pub(super) const CHANGE: &str = "Change";
    pub(super) const MEANS: &str = "The owner answers for what this AI system proposes. They review none of it, see what it was asked to change, and may pause it. They need a role that reads its decisions, such as viewer.";
    pub(super) const LOGIN: &str = "Sign-in name of the owner";
    pub(super) const LOGIN_HINT: &str = "Leave it empty when nobody owns it from now on.";
    pub(super) const REASON: &str = "Reason";
    pub(super) const REASON_HINT: &str = "It is sealed and read by auditors.";
    #[cfg(feature = "ssr")]
    pub(super) const SAY_WHY: &str = "Say why. The reason is sealed and read by auditors.";
    #[cfg(feature = "ssr")]
    pub(super) const OTHER_FORM: &str =
        "This form is not one of this page. Read who owns the AI system, then decide again.";
    pub(super) const SEND: &str = "Name the owner";
    pub(super) const CANCEL: &str = "Cancel";
}
