//! `/me/role-requests`: asking for a role; `/admin/role-requests`: who asks, and the answer.

use countersign_domain::{
    ids::EntryId,
    problem::{Code, Problem},
    role::Role,
    role_request::{OwnRoleRequestsView, RoleAnswer, RoleRequestsView, ShownRoleRequest, page},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    Error,
    answer::{Answer, answer_of, recorded, typed},
    components::{
        admin::{AdminNav, Choose},
        form::{Area, ErrorSummary, Submit, Weight, error_of},
        icons::{Icon, Shape},
        marks::{Chip, Tone},
        page::{Empty, Fact, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::{Literal, Prose},
        time::Moment,
    },
    frame::Surroundings,
    wire::Json,
};

/// Reads the reader's own requests.
#[server(prefix = "/act", endpoint = "own-role-requests", output = Json)]
pub(crate) async fn own_role_requests() -> Result<OwnRoleRequestsView, Error> {
    use countersign_engine::role_requests;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, role_requests::own(&engine, &caller).await)
}

/// Asks for a role.
#[server(prefix = "/act", endpoint = "request-role", output = Json)]
pub(crate) async fn request_role(
    #[server(default)] role: String,
    #[server(default)] page: String,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_domain::{problem::FieldError, role_request, text::Reason};
    use countersign_engine::role_requests::{self, RoleAsked};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let mut errors = Vec::new();
    let role = Some(role).filter(|role| !role.is_empty()).map(|role| Role::from_word(&role).ok_or(()));
    let role = role.transpose().map_err(|()| {
        errors.push(FieldError::new("/role", "unknown_value", "Role: choose from the list."));
    });
    let reason = Reason::new(&reason).map_err(|error| {
        errors.push(FieldError::new("/reason", "invalid_text", format!("Reason: {error}.")));
    });
    let (Ok(role), Ok(reason)) = (role, reason) else {
        return Ok(told(Err(Problem::fields(Code::InvalidContent, strings::NOT_SENT, errors))));
    };
    let asked = RoleAsked { role, page: role_request::page(&page).map(str::to_owned), reason };
    let done = act(async move { role_requests::ask(&engine, &caller, asked).await }).await;

    Ok(told(done.map(|()| Answer::done(OWN))))
}

/// Reads the requests of everybody.
#[server(prefix = "/act", endpoint = "role-requests", output = Json)]
pub(crate) async fn role_requests() -> Result<RoleRequestsView, Error> {
    use countersign_engine::role_requests;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, role_requests::view(&engine, &caller).await)
}

/// Answers a request.
#[server(prefix = "/act", endpoint = "answer-role-request", output = Json)]
pub(crate) async fn answer_role_request(
    request: EntryId,
    #[server(default)] answer: String,
    reason: String,
) -> Result<Answer, Error> {
    use countersign_domain::{problem::FieldError, text::Reason};
    use countersign_engine::role_requests;

    use crate::request::{self, act, told};

    let (engine, caller) = request::request()?;
    let mut errors = Vec::new();
    let answer = RoleAnswer::from_word(&answer);
    if answer.is_none() {
        errors.push(FieldError::new("/answer", "missing", "Say whether they have the role now."));
    }
    let reason = Reason::new(&reason).map_err(|error| {
        errors.push(FieldError::new("/reason", "invalid_text", format!("Reason: {error}.")));
    });
    let (Some(answer), Ok(reason)) = (answer, reason) else {
        return Ok(told(Err(Problem::fields(Code::InvalidContent, strings::NOT_ANSWERED, errors))));
    };
    let done = act(async move { role_requests::answer(&engine, &caller, request, answer, reason).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("{ALL}?request={request}")))))
}

#[cfg(feature = "ssr")]
const OWN: &str = "/me/role-requests";
const ALL: &str = "/admin/role-requests";

/// The page on which somebody asks for a role, with what became of that.
#[component]
pub(crate) fn OwnRoleRequestsPage() -> impl IntoView {
    let ask = ServerAction::<RequestRole>::new();
    let answer = answer_of(ask);
    let sent = recorded(ask);
    let query = use_query_map();
    let from = Memo::new(move |_| query.with(|query| query.get("page").as_deref().and_then(page).map(str::to_owned)));
    let view = Resource::new(move || sent.get(), |_| own_role_requests());
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    say(answer, strings::SAID_SENT);

    view! {
        <PageTitle text=TitleText::page(strings::ASK)/>
        <BackTo href="/me" words=strings::YOU/>
        <PageHeader title=|| strings::ASK>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <div class="grid max-w-3xl gap-6">
            <Transition fallback=|| {
                view! { <Skeleton rows=3/> }
            }>
                {move || {
                    let from = from.get();
                    Suspend::new(async move {
                        match view.await {
                            Ok(OwnRoleRequestsView { requests, held }) => {
                                let waits = requests.first().is_some_and(|request| request.answered.is_none());
                                let form = match waits {
                                    true => view! {
                                        <ErrorSummary problem/>
                                        <p class="flex max-w-measure items-start gap-2">
                                            <Icon shape=Shape::Clock class="mt-0.5 size-4 shrink-0 text-muted"/>
                                            {strings::WAITS}
                                        </p>
                                    }
                                    .into_any(),
                                    false => view! { <AskForm held=held.clone() from ask problem/> }.into_any(),
                                };
                                view! {
                                    {held
                                        .contains(&Role::Admin)
                                        .then(|| {
                                            view! {
                                                <p>
                                                    <a href=ALL class="text-accent underline">
                                                        {strings::TO_ALL}
                                                    </a>
                                                </p>
                                            }
                                        })}
                                    {form}
                                    <Requests title=strings::YOURS requests answers=false/>
                                }
                                    .into_any()
                            }
                            Err(error) => view! { <Refusal error/> }.into_any(),
                        }
                    })
                }}
            </Transition>
        </div>
    }
}

#[component]
fn AskForm(
    held: Vec<Role>,
    from: Option<String>,
    ask: ServerAction<RequestRole>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let chosen = typed::<RequestRole>("role");
    let roles = Role::ALL
        .into_iter()
        .map(|role| {
            let words = format!("{}: {}", role.name(), role.sentence());
            (role.word().to_owned(), words, role.word() == chosen)
        })
        .collect::<Vec<_>>();
    let unsure = (String::new(), strings::NOT_SURE.to_owned(), chosen.is_empty());
    let options = [unsure].into_iter().chain(roles).collect();
    let from = from.or_else(|| page(&typed::<RequestRole>("page")).map(str::to_owned));
    let names: Vec<_> = held.iter().map(|role| role.name()).collect();
    let held = if names.is_empty() { strings::NO_ROLE.to_owned() } else { names.join(", ") };

    view! {
        <Panel title=strings::ASK>
            <ErrorSummary problem/>
            <dl class="grid gap-1.5">
                <Fact name=strings::HELD>{held}</Fact>
                {from
                    .clone()
                    .map(|page| {
                        view! {
                            <Fact name=strings::REFUSED_AT>
                                <code class="font-mono text-compact [overflow-wrap:anywhere]">
                                    <Literal text=page/>
                                </code>
                            </Fact>
                        }
                    })}
            </dl>
            <ActionForm action=ask attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="page" value=from.unwrap_or_default()/>
                <Choose id="role" name="role" label=strings::ROLE options/>
                <Area
                    name="reason"
                    label=strings::WHY
                    hint=strings::WHY_HINT
                    value={typed::<RequestRole>("reason")}
                    rows=3
                    problem
                />
                <div>
                    <Submit weight=Weight::Primary pending=ask.pending()>
                        {strings::SEND}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

/// The page of everybody's requests.
#[component]
pub(crate) fn RoleRequestsPage() -> impl IntoView {
    let give = ServerAction::<AnswerRoleRequest>::new();
    let answer = answer_of(give);
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| query.get("request").filter(|request| !request.is_empty())));
    let given = recorded(give);
    let view = Resource::new(move || given.get(), |_| role_requests());
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    say(answer, strings::SAID_ANSWERED);
    let surroundings = Surroundings::get();
    Effect::new(move || {
        if matches!(answer.get(), Some(Answer::Done { .. })) {
            surroundings.moved.set_value(true);
        }
    });

    view! {
        <PageTitle text=TitleText::page(strings::REQUESTS)/>
        <Transition fallback=|| {
            view! { <Skeleton rows=4/> }
        }>
            {move || {
                let asked = asked.get();
                Suspend::new(async move {
                    match (view.await, asked) {
                        (Err(error), _) => view! { <Refusal error/> }.into_any(),
                        (Ok(shown), None) => view! { <Lists shown/> }.into_any(),
                        (Ok(shown), Some(asked)) => match chosen(&shown, &asked) {
                            Some(request) => view! { <Chosen request give problem/> }.into_any(),
                            None => view! { <Refusal error=no_such_request()/> }.into_any(),
                        },
                    }
                })
            }}
        </Transition>
    }
}

fn chosen(shown: &RoleRequestsView, asked: &str) -> Option<ShownRoleRequest> {
    let asked: EntryId = asked.parse().ok()?;
    shown.waiting.iter().chain(&shown.answered).find(|request| request.request == asked).cloned()
}

fn no_such_request() -> Error {
    #[cfg(feature = "ssr")]
    crate::request::status(Code::NotFound.status());
    Error::Told {
        problem: Problem::new(Code::NotFound, "There is no such request. Choose one from the list."),
        request: String::new(),
    }
}

#[component]
fn Lists(shown: RoleRequestsView) -> impl IntoView {
    let RoleRequestsView { waiting, answered } = shown;
    let waits = match waiting.is_empty() {
        true => view! { <Empty title=strings::NONE reason=strings::NONE_REASON/> }.into_any(),
        false => view! { <Requests title=strings::WAITING requests=waiting answers=true/> }.into_any(),
    };

    view! {
        <PageHeader title=|| strings::REQUESTS>
            <p class="max-w-measure text-muted">{strings::ALL_INTRO}</p>
        </PageHeader>
        <AdminNav/>
        <div class="grid max-w-4xl gap-6">
            {waits}
            <Requests title=strings::ANSWERED requests=answered answers=true/>
        </div>
    }
}

/// A list of requests; where its reader answers, each leads to its own page.
#[component]
fn Requests(title: &'static str, requests: Vec<ShownRoleRequest>, answers: bool) -> impl IntoView {
    if requests.is_empty() {
        return ().into_any();
    }
    let rows = requests
        .into_iter()
        .map(|request| {
            let link = answers.then(|| {
                let words = if request.answered.is_none() { strings::ANSWER } else { strings::READ };
                let label = format!("{words}: {}", request.name);
                (format!("{ALL}?request={}", request.request), words, label)
            });
            view! {
                <li class="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
                    <div class="grid min-w-0 gap-1">
                        <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                            <span class="font-medium">{role_words(request.role)}</span>
                            {answers
                                .then(|| {
                                    view! {
                                        <span class="text-muted">
                                            <Literal text=request.name.clone()/>
                                        </span>
                                    }
                                })}
                            <Moment at=request.at/>
                            <StateMark request=request.clone()/>
                        </p>
                        <Prose text=request.reason.clone()/>
                        {(!answers).then(|| view! { <Answered request=request.clone()/> })}
                    </div>
                    {link
                        .map(|(href, words, label)| {
                            view! {
                                <div class="ml-auto">
                                    <a href=href aria-label=label class=Weight::Plain.class()>
                                        {words}
                                    </a>
                                </div>
                            }
                        })}
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <section class="grid gap-2">
            <h2 class="text-reading font-semibold">{title}</h2>
            <ul class="divide-y divide-hairline rounded-dialog border border-hairline bg-surface">{rows}</ul>
        </section>
    }
    .into_any()
}

fn role_words(role: Option<Role>) -> &'static str {
    role.map_or(strings::ANY_ROLE, Role::name)
}

#[component]
fn StateMark(request: ShownRoleRequest) -> impl IntoView {
    let (tone, words) = match request.answered.map(|answered| answered.answer) {
        None => (Tone::Info, strings::OPEN),
        Some(answer @ RoleAnswer::Given) => (Tone::Approve, answer.name()),
        Some(answer @ RoleAnswer::Refused) => (Tone::Reject, answer.name()),
    };

    view! { <Chip tone text=words/> }
}

/// What an admin said, where one has.
#[component]
fn Answered(request: ShownRoleRequest) -> impl IntoView {
    request.answered.map(|answered| {
        view! {
            <div class="grid gap-0.5 border-l-2 border-hairline pl-3 text-muted">
                <p class="flex flex-wrap items-center gap-x-3">
                    <Literal text=answered.by/>
                    <Moment at=answered.at/>
                </p>
                <Prose text=answered.reason/>
            </div>
        }
    })
}

/// One request, with the form for who answers it.
#[component]
fn Chosen(
    request: ShownRoleRequest,
    give: ServerAction<AnswerRoleRequest>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let title = format!("{} {}", request.name, strings::ASKS);
    let person = request.role.map_or_else(
        || format!("/admin/people/{}", request.person),
        |role| format!("/admin/people/{}?role={}", request.person, role.word()),
    );
    let form = match (&request.answered, request.barred) {
        (Some(_), _) => view! { <ErrorSummary problem/> }.into_any(),
        (None, true) => view! {
            <p class="flex max-w-measure items-start gap-2">
                <Icon shape=Shape::Info class="mt-0.5 size-4 shrink-0 text-muted"/>
                {strings::NOT_YOUR_OWN}
            </p>
        }
        .into_any(),
        (None, false) => view! { <AnswerForm request=request.request give problem/> }.into_any(),
    };
    let (role, at, reason, page) = (role_words(request.role), request.at, request.reason.clone(), request.page.clone());
    let waits = request.answered.is_none() && !request.barred;

    view! {
        <BackTo href=ALL words=strings::REQUESTS/>
        <PageHeader title=move || title.clone()/>
        <div class="grid max-w-3xl gap-6">
            <Panel title=strings::WHAT>
                <dl class="grid gap-1.5">
                    <Fact name=strings::ROLE>{role}</Fact>
                    <Fact name=strings::ASKED_AT>
                        <Moment at/>
                    </Fact>
                    {page
                        .map(|page| {
                            view! {
                                <Fact name=strings::REFUSED_AT>
                                    <code class="font-mono text-compact [overflow-wrap:anywhere]">
                                        <Literal text=page/>
                                    </code>
                                </Fact>
                            }
                        })}
                    <Fact name=strings::WHY>
                        <Prose text=reason/>
                    </Fact>
                </dl>
                <Answered request=request.clone()/>
                {waits
                    .then(|| {
                        view! {
                            <p>
                                <a href=person class="text-accent underline">
                                    {strings::GIVE}
                                </a>
                            </p>
                        }
                    })}
            </Panel>
            {form}
        </div>
    }
}

#[component]
fn AnswerForm(
    request: EntryId,
    give: ServerAction<AnswerRoleRequest>,
    problem: Signal<Option<Problem>>,
) -> impl IntoView {
    let error = Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, "answer")));
    let picked = typed::<AnswerRoleRequest>("answer");
    let choices = [(RoleAnswer::Given, strings::GIVEN), (RoleAnswer::Refused, strings::REFUSED)]
        .into_iter()
        .map(|(answer, words)| {
            view! {
                <label class="flex min-h-11 items-center gap-2 sm:min-h-8">
                    <input type="radio" name="answer" value=answer.word() checked=picked == answer.word()/>
                    {words}
                </label>
            }
        })
        .collect_view();

    view! {
        <Panel title=strings::YOUR_ANSWER>
            <ErrorSummary problem/>
            <ActionForm action=give attr:class="grid max-w-2xl gap-4">
                <input type="hidden" name="request" value=request.to_string()/>
                <fieldset id="answer" class="grid gap-1" aria-describedby="answer-error">
                    <legend class="text-body font-medium">{strings::HAVE_IT}</legend>
                    {choices}
                    <p id="answer-error" class="text-compact text-reject">
                        {move || error.get()}
                    </p>
                </fieldset>
                <Area
                    name="reason"
                    label=strings::SAYS
                    hint=strings::SAYS_HINT
                    value={typed::<AnswerRoleRequest>("reason")}
                    rows=3
                    problem
                />
                <div>
                    <Submit weight=Weight::Primary pending=give.pending()>
                        {strings::SEND_ANSWER}
                    </Submit>
                </div>
            </ActionForm>
        </Panel>
    }
}

#[component]
fn BackTo(href: &'static str, words: &'static str) -> impl IntoView {
    view! {
        <div class="mb-2 text-compact text-muted print:hidden">
            <a href=href class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline">
                <Icon shape=Shape::Back class="size-4"/>
                {words}
            </a>
        </div>
    }
}

/// Says what was done, to who does not see the page move.
fn say(answer: Signal<Option<Answer>>, words: &'static str) {
    let surroundings = Surroundings::get();
    Effect::new(move || {
        if matches!(answer.get(), Some(Answer::Done { .. })) {
            surroundings.say(words);
        }
    });
}

mod strings {
    pub(super) const ASK: &str = "Ask for a role";
    pub(super) const YOU: &str = "You";
    pub(super) const INTRO: &str = "Your request goes to every admin with what you write here, and is on record. An admin answers it; roles that let people decide need a second person too.";
    pub(super) const WAITS: &str = "Your request waits for an admin. You can ask again when one has answered.";
    pub(super) const TO_ALL: &str = "Answer the requests of others";
    pub(super) const YOURS: &str = "Your requests";
    pub(super) const HELD: &str = "Your roles";
    pub(super) const NO_ROLE: &str = "None";
    pub(super) const REFUSED_AT: &str = "Page";
    pub(super) const ROLE: &str = "Role";
    pub(super) const NOT_SURE: &str = "Not sure, the admin chooses";
    pub(super) const ANY_ROLE: &str = "Whatever it takes";
    pub(super) const WHY: &str = "What you need it for";
    pub(super) const WHY_HINT: &str = "Read by admins. Name no customers.";
    pub(super) const SEND: &str = "Send the request";
    pub(super) const SAID_SENT: &str = "Your request is sent.";
    pub(super) const REQUESTS: &str = "Requests for a role";
    pub(super) const ALL_INTRO: &str = "Who was refused something asks here for the role that it takes. An answer gives nothing by itself: give the role first, then say so.";
    pub(super) const NONE: &str = "Nobody asks for a role";
    pub(super) const NONE_REASON: &str = "What people ask for on a page that they may not open appears here.";
    pub(super) const WAITING: &str = "Waiting for an answer";
    pub(super) const ANSWERED: &str = "Answered";
    pub(super) const ANSWER: &str = "Answer";
    pub(super) const READ: &str = "Read";
    pub(super) const OPEN: &str = "Waits";
    pub(super) const ASKS: &str = "asks for a role";
    pub(super) const WHAT: &str = "What is asked for";
    pub(super) const ASKED_AT: &str = "Asked";
    pub(super) const GIVE: &str = "Open their page to give a role";
    pub(super) const NOT_YOUR_OWN: &str = "Nobody answers their own request. Another admin does.";
    pub(super) const YOUR_ANSWER: &str = "Your answer";
    pub(super) const HAVE_IT: &str = "Do they have the role now?";
    pub(super) const GIVEN: &str = "Yes, it is given or waits for its second person";
    pub(super) const REFUSED: &str = "No, they do not get it";
    pub(super) const SAYS: &str = "What you say to them";
    pub(super) const SAYS_HINT: &str = "Read by who asked and by admins.";
    pub(super) const SEND_ANSWER: &str = "Send the answer";
    pub(super) const SAID_ANSWERED: &str = "Your answer is sent.";
    #[cfg(feature = "ssr")]
    pub(super) const NOT_SENT: &str = "The request was not sent. Your text is kept.";
    #[cfg(feature = "ssr")]
    pub(super) const NOT_ANSWERED: &str = "The answer was not sent. Your text is kept.";
}
