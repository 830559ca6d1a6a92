//! `/admin/people`: members, invitations, and who may sign in.

use countersign_domain::{
    delegation::{AbsenceRow, DelegationRow},
    ids::PersonId,
    role::Role,
    view::{InvitationLink, PeopleView, PersonRow},
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        admin::AdminNav,
        delegation::{AbsenceLine, DelegationLine},
        form::{ErrorSummary, Field, Kind, Submit, Weight},
        icons::{Icon, Shape},
        marks::{Chip, Tone},
        page::{PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::CopyId,
        time::{Moment, Since},
    },
    wire::Json,
};

/// Reads the list of members.
#[server(prefix = "/act", endpoint = "people", output = Json)]
pub(crate) async fn people() -> Result<PeopleView, Error> {
    use countersign_engine::people;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, people::list(&engine, &caller).await)
}

/// Makes a member, in one role or in none yet, with a one-time link to set a password.
#[server(prefix = "/act", endpoint = "invite", output = Json)]
pub(crate) async fn invite(name: String, login: String, #[server(default)] role: String) -> Result<Answer, Error> {
    use countersign_domain::{problem::FieldError, proposal};
    use countersign_engine::people;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let role = match role.as_str() {
        NO_ROLE_YET => None,
        word => match Role::from_word(word) {
            Some(role) => Some(role),
            None => {
                let error = FieldError::new("/role", "unknown_value", "Choose a role from the list, or none yet.");
                return Ok(told(Err(proposal::invalid(vec![error]))));
            }
        },
    };
    let link = act(async move { people::invite(&engine, &caller, &name, &login, role).await }).await;

    Ok(told(link.map(|link| Answer::once(&link))))
}

/// Replaces a member's one-time link.
#[server(prefix = "/act", endpoint = "renew-invitation", output = Json)]
pub(crate) async fn renew_invitation(person: PersonId) -> Result<Answer, Error> {
    use countersign_engine::people;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let link = act(async move { people::renew_invitation(&engine, &caller, person).await }).await;

    Ok(told(link.map(|link| Answer::once(&link))))
}

/// Bars a member from signing in and ends their sign-ins.
#[server(prefix = "/act", endpoint = "disable-person", output = Json)]
pub(crate) async fn disable_person(person: PersonId) -> Result<Answer, Error> {
    use countersign_engine::people;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { people::disable(&engine, &caller, person).await }).await;

    Ok(told(done.map(|_| Answer::done("/admin/people"))))
}

/// Lets a member sign in again.
#[server(prefix = "/act", endpoint = "enable-person", output = Json)]
pub(crate) async fn enable_person(person: PersonId) -> Result<Answer, Error> {
    use countersign_engine::people;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { people::enable(&engine, &caller, person).await }).await;

    Ok(told(done.map(|_| Answer::done("/admin/people"))))
}

/// What the form says instead of a role.
const NO_ROLE_YET: &str = "none";

/// The forms of the page.
#[derive(Clone, Copy)]
struct Acts {
    invite: ServerAction<Invite>,
    renew: ServerAction<RenewInvitation>,
    disable: ServerAction<DisablePerson>,
    enable: ServerAction<EnablePerson>,
}

/// The people page.
#[component]
pub(crate) fn PeoplePage() -> impl IntoView {
    let acts = Acts {
        invite: ServerAction::new(),
        renew: ServerAction::new(),
        disable: ServerAction::new(),
        enable: ServerAction::new(),
    };
    let versions = move || {
        (
            acts.invite.version().get(),
            acts.renew.version().get(),
            acts.disable.version().get(),
            acts.enable.version().get(),
        )
    };
    let view = Resource::new(versions, |_| people());
    let answers = [answer_of(acts.renew), answer_of(acts.disable), answer_of(acts.enable)];
    let problem = Signal::derive(move || answers.iter().find_map(|answer| answer.get().and_then(Answer::problem)));
    let invited = answer_of(acts.invite);
    let renewed = answer_of(acts.renew);
    let link = Signal::derive(move || {
        [renewed.get(), invited.get()].into_iter().flatten().find_map(|answer| answer.shown::<InvitationLink>())
    });

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(shown) => {
                        let (delegations, absences) = (shown.delegations.clone(), shown.absences.clone());
                        view! {
                            <PageHeader title=|| strings::TITLE>
                                <p class="text-muted">{strings::INTRO}</p>
                            </PageHeader>
                            <AdminNav/>
                            <div class="grid max-w-5xl gap-6">
                                <OneTimeLink link/>
                                <ErrorSummary problem/>
                                <Members shown acts/>
                                <StandIns delegations absences/>
                                <InviteForm invite=acts.invite answer=invited/>
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The link, shown this once: only its hash is stored.
#[component]
fn OneTimeLink(link: Signal<Option<InvitationLink>>) -> impl IntoView {
    move || {
        link.get().map(|link| {
            view! {
                <div role="status" class="grid gap-2 rounded-dialog border-2 border-approve bg-surface px-5 py-4">
                    <h2 class="flex items-center gap-2 text-reading font-semibold">
                        <Icon shape=Shape::Check class="size-5 text-approve"/>
                        {strings::LINK}
                    </h2>
                    <CopyId id=link.url label="invitation link"/>
                    <p class="text-compact text-muted">
                        {strings::LINK_TEXT} " " <Moment at=link.expires_at/> "."
                    </p>
                </div>
            }
        })
    }
}

#[component]
fn Members(shown: PeopleView, acts: Acts) -> impl IntoView {
    const HEAD: &str = "px-4 py-2 text-left text-compact font-medium text-muted";
    let now = shown.now;
    let rows = shown.people.into_iter().map(|person| view! { <Member person now acts/> }.into_any()).collect_view();

    view! {
        <div class="overflow-x-auto rounded-dialog border border-hairline bg-surface">
            <table class="w-full max-sm:block">
                <caption class="sr-only">{strings::TITLE}</caption>
                <thead class="border-b border-hairline max-sm:sr-only">
                    <tr>
                        <th scope="col" class=HEAD>{strings::NAME}</th>
                        <th scope="col" class=HEAD>{strings::ROLES}</th>
                        <th scope="col" class=HEAD>{strings::STATE}</th>
                        <th scope="col" class=HEAD>{strings::LAST_SEEN}</th>
                        <th scope="col" class=HEAD>{strings::ACTS}</th>
                    </tr>
                </thead>
                <tbody class="divide-y divide-hairline max-sm:block">{rows}</tbody>
            </table>
        </div>
    }
}

/// Who reviews in whose place, and who is away, now or later: to be read. The two people end it, and nobody else.
#[component]
fn StandIns(delegations: Vec<DelegationRow>, absences: Vec<AbsenceRow>) -> impl IntoView {
    if delegations.is_empty() && absences.is_empty() {
        return ().into_any();
    }
    let delegations = delegations.into_iter().map(|row| view! { <DelegationLine row/> }.into_any()).collect_view();
    let absences = absences.into_iter().map(|row| view! { <AbsenceLine row/> }.into_any()).collect_view();

    view! {
        <Panel title=strings::STAND_INS>
            <p class="max-w-measure text-muted">{strings::STAND_INS_TEXT}</p>
            <ul class="divide-y divide-hairline">{delegations} {absences}</ul>
        </Panel>
    }
    .into_any()
}

#[component]
fn Member(person: PersonRow, now: u64, acts: Acts) -> impl IntoView {
    const CELL: &str = "px-4 py-2.5 align-middle max-sm:block max-sm:py-1";
    let id = person.id;
    let roles = person.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    let state = match (person.disabled, person.invited_until) {
        (true, _) => view! { <Chip tone=Tone::Reject text=strings::DISABLED/> }.into_any(),
        (false, Some(until)) if until > now => view! {
            <span class="flex flex-wrap items-center gap-2">
                <Chip tone=Tone::Info text=strings::INVITED/>
                <span class="text-compact text-muted">
                    {strings::UNTIL} " " <Moment at=until/>
                </span>
            </span>
        }
        .into_any(),
        (false, Some(_)) => view! { <Chip tone=Tone::Escalate text=strings::EXPIRED/> }.into_any(),
        (false, None) => view! { <Chip tone=Tone::Approve text=strings::ACTIVE/> }.into_any(),
    };

    view! {
        <tr class="max-sm:block max-sm:py-2">
            <td class=CELL>
                <p class="font-medium">
                    <a href=format!("/admin/people/{id}") class="text-accent underline">{person.name}</a>
                </p>
                <p class="text-compact text-muted">{person.login}</p>
            </td>
            <td class=CELL>{if roles.is_empty() { strings::NO_ROLE.to_owned() } else { roles }}</td>
            <td class=CELL>{state}</td>
            <td class=CELL>
                {match person.last_seen_at {
                    Some(at) => view! { <Since at now/> }.into_any(),
                    None => strings::NEVER.into_any(),
                }}
            </td>
            <td class=CELL>
                <div class="flex flex-wrap gap-2">
                    {person
                        .invited_until
                        .is_some()
                        .then(|| {
                            view! {
                                <ActionForm action=acts.renew>
                                    <input type="hidden" name="person" value=id.to_string()/>
                                    <Submit weight=Weight::Plain pending=acts.renew.pending()>
                                        {strings::RENEW}
                                    </Submit>
                                </ActionForm>
                            }
                        })}
                    {if person.disabled {
                        view! {
                            <ActionForm action=acts.enable>
                                <input type="hidden" name="person" value=id.to_string()/>
                                <Submit weight=Weight::Plain pending=acts.enable.pending()>
                                    {strings::ENABLE}
                                </Submit>
                            </ActionForm>
                        }
                            .into_any()
                    } else {
                        view! {
                            <ActionForm action=acts.disable>
                                <input type="hidden" name="person" value=id.to_string()/>
                                <Submit weight=Weight::Ending pending=acts.disable.pending()>
                                    {strings::DISABLE}
                                </Submit>
                            </ActionForm>
                        }
                            .into_any()
                    }}
                </div>
            </td>
        </tr>
    }
}

#[component]
fn InviteForm(invite: ServerAction<Invite>, answer: Signal<Option<Answer>>) -> impl IntoView {
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    let typed_role = typed::<Invite>("role");
    let none = typed_role == NO_ROLE_YET;
    let chosen = Role::from_word(&typed_role).unwrap_or(Role::Approver);

    view! {
        <Panel title=strings::INVITE>
            <p class="max-w-measure text-muted">{strings::INVITE_TEXT}</p>
            <ActionForm action=invite attr:class="grid max-w-md gap-4">
                <ErrorSummary problem/>
                <Field name="name" label=strings::NAME kind=Kind::Text value={typed::<Invite>("name")} problem/>
                <Field name="login" label=strings::LOGIN kind=Kind::Text value={typed::<Invite>("login")} problem/>
                <fieldset class="grid gap-1">
                    <legend class="mb-1 text-body font-medium">{strings::ROLE}</legend>
                    {Role::ALL
                        .into_iter()
                        .map(|role| {
                            view! {
                                <label class="flex min-h-9 items-center gap-2.5">
                                    <input
                                        type="radio"
                                        name="role"
                                        value=role.word()
                                        checked=!none && chosen == role
                                        class="size-4 accent-accent"
                                    />
                                    <span>
                                        {role.name()} " "
                                        <span class="text-compact text-muted">{role.sentence()}</span>
                                    </span>
                                </label>
                            }
                        })
                        .collect_view()}
                    <label class="flex min-h-9 items-center gap-2.5">
                        <input type="radio" name="role" value=NO_ROLE_YET checked=none class="size-4 accent-accent"/>
                        <span>
                            {strings::NO_ROLE_YET} " "
                            <span class="text-compact text-muted">{strings::NO_ROLE_YET_TEXT}</span>
                        </span>
                    </label>
                </fieldset>
                <div>
                    <Submit weight=Weight::Primary pending=invite.pending()>
                        {strings::INVITE}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

mod strings {
    pub(super) const TITLE: &str = "People";
    pub(super) const INTRO: &str = "Everybody who may sign in, and what for.";
    pub(super) const STAND_INS: &str = "In whose place, and who is away";
    pub(super) const STAND_INS_TEXT: &str = "Now or later. A delegation is given and ended by its two people under You; taking a role or disabling an account ends what it gives.";
    pub(super) const LINK: &str = "One-time link";
    pub(super) const LINK_TEXT: &str =
        "Hand it to the person over a channel that only they read. It is shown this once, works once, and ends";
    pub(super) const NAME: &str = "Name";
    pub(super) const LOGIN: &str = "Sign-in name";
    pub(super) const ROLE: &str = "Role";
    pub(super) const ROLES: &str = "Roles";
    pub(super) const STATE: &str = "State";
    pub(super) const LAST_SEEN: &str = "Last signed in";
    pub(super) const ACTS: &str = "Change";
    pub(super) const ACTIVE: &str = "Active";
    pub(super) const DISABLED: &str = "Disabled";
    pub(super) const INVITED: &str = "Invited";
    pub(super) const EXPIRED: &str = "Invitation ended";
    pub(super) const UNTIL: &str = "until";
    pub(super) const NO_ROLE: &str = "None";
    pub(super) const NO_ROLE_YET: &str = "No role yet";
    pub(super) const NO_ROLE_YET_TEXT: &str = "for an outside auditor, who gets an audit window next";
    pub(super) const NEVER: &str = "Never";
    pub(super) const RENEW: &str = "New link";
    pub(super) const DISABLE: &str = "Disable";
    pub(super) const ENABLE: &str = "Enable";
    pub(super) const INVITE: &str = "Invite a person";
    pub(super) const INVITE_TEXT: &str = "You get a one-time link to hand over; the person sets their own password. An admin never reviews, an auditor holds no other role. Where there are several admins, an admin, approver, senior approver, compliance officer or auditor gets the role once a second person confirms it.";
}
