//! The sections around the review, drawn from the view and from nothing else.

use countersign_domain::{
    decision::{Effect as Reach, OutcomeResult, ResolutionOutcome, ReviewState},
    decision_type::Kind,
    form::Answered,
    grant,
    ids::DecisionId,
    lineage::Maker,
    overrides::{Override, Overriding, PostReview},
    revocation::{Compensation, Revocation},
    role::Role,
    view::{
        DecisionView, Field, HistoryRow, Mode, OutcomeRow, ReviewRow, SeatView, Section as Place, VersionRow,
        proof_file,
    },
};
use leptos::{form::ActionForm, prelude::*};

use crate::{
    components::{
        changes::FieldChanges,
        dialogue::{Dialogue, Disclosure, read},
        form::{Submit, Weight},
        icons::{Icon, Shape},
        kinds::kind_words,
        marks::{Chip, RiskMark, SealMark, StateMark, Tone, VerdictMark, outcome_words},
        page::{Fact, Section},
        pause::pause_address,
        post_review::{PostReviewState, act_words, post_review_address},
        text::{CopyId, Literal, Payload, Prose, indent},
        time::{Moment, Since, TimeLeft},
        trace::TraceList,
    },
    frame::Surroundings,
    pages::queue::{quorum, rejections},
};

/// Names what the newest version changed, for whoever is led there.
pub(super) const CHANGES: &str = "changes";

use super::{Masks, lineage::lineage, opened::Opened, retract::RetractForm};

/// 1: who asks what, until when, and what silence means.
#[component]
pub(super) fn AskSection(shown: DecisionView, clock: Signal<u64>) -> impl IntoView {
    let outcome = shown.resolution.as_ref().map(|resolution| resolution.outcome);
    let overridden = shown.resolution.as_ref().and_then(|resolution| resolution.overridden.as_ref());
    let by_grant = shown.resolution.as_ref().and_then(|resolution| resolution.by_grant);
    let label = overridden.map(|overridden| overridden.label.clone()).or(by_grant.map(grant::label));
    let open = shown.state.is_open();
    let turn = shown.turn.as_ref().map(|turn| (turn.words(&shown.system_name), turn.since));

    view! {
        <Section id="ask" number=1 title="Ask">
            <div class="flex flex-wrap items-start gap-x-8 gap-y-3">
                <div class="grid gap-1">
                    <span class="text-compact text-muted">{strings::STATE}</span>
                    <StateMark state=shown.state outcome/>
                    {label.map(|label| view! { <span class="text-compact text-muted">{label}</span> })}
                </div>
                <div class="grid gap-1">
                    <span class="text-compact text-muted">{strings::RISK}</span>
                    <RiskMark level=shown.risk/>
                </div>
                <div class="grid gap-1">
                    <span class="text-compact text-muted">{strings::APPROVALS}</span>
                    <span class="tabular-nums">{quorum(shown.policy.given, shown.policy.need)}</span>
                    {rejections(shown.policy.rejections, shown.policy.reject_threshold)
                        .map(|words| view! { <span class="tabular-nums">{words}</span> })}
                </div>
                {open
                    .then(|| {
                        view! {
                            <div class="grid gap-1">
                                <span class="text-compact text-muted">{strings::DEADLINE}</span>
                                <TimeLeft until=shown.due_at now=clock/>
                            </div>
                        }
                    })}
            </div>
            <dl class="grid gap-1.5">
                <Fact name=strings::ACTION>
                    {shown.type_title} " "
                    <span class="font-mono text-compact text-muted">
                        {format!("{} v{}", shown.type_name, shown.type_version)}
                    </span>
                </Fact>
                <Fact name=strings::SYSTEM>
                    {shown.system_name} " "
                    <span class="font-mono text-compact text-muted">{format!("key {}", shown.key_id)}</span>
                    {shown
                        .pause
                        .is_none()
                        .then(|| {
                            view! {
                                " "
                                <a href=pause_address(shown.system) class="text-compact text-accent underline print:hidden">
                                    {strings::PAUSE}
                                </a>
                            }
                        })}
                </Fact>
                {shown
                    .owner
                    .map(|owner| {
                        let own = if owner.own { strings::OWN } else { "" };
                        view! {
                            <Fact name=strings::OWNER>
                                <Literal text=owner.name/> {own}
                            </Fact>
                        }
                    })}
                <Fact name=strings::PROPOSED>
                    <Since at=shown.proposed_at now=clock/>
                </Fact>
                {turn
                    .map(|(words, since)| {
                        view! {
                            <Fact name=strings::TURN>
                                <Literal text=words/> ", " {strings::TURN_SINCE} " " <Moment at=since/>
                            </Fact>
                        }
                    })}
                {open.then(|| view! { <Fact name=strings::AT_ZERO>{format!("At the deadline it {}.", shown.at_zero)}</Fact> })}
                {shown
                    .external_id
                    .map(|id| {
                        view! {
                            <Fact name=strings::CASE>
                                <CopyId id label="case id"/>
                            </Fact>
                        }
                    })}
                {shown
                    .conversation
                    .map(|id| {
                        view! {
                            <Fact name=strings::RUN>
                                <CopyId id label="run id"/>
                            </Fact>
                        }
                    })}
            </dl>
        </Section>
    }
}

/// 2: how much harm, why, and whether it can be undone. Set by type and policy, never by the agent.
#[component]
pub(super) fn RiskSection(shown: DecisionView) -> impl IntoView {
    view! {
        <Section id="risk" number=2 title="Risk">
            <div class="flex flex-wrap items-center gap-x-6 gap-y-1 text-reading">
                <RiskMark level=shown.risk/>
                <span>{shown.reversibility.label()}</span>
            </div>
            <ul class="max-w-measure list-disc space-y-1 pl-5">
                {shown.risk_reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect_view()}
            </ul>
            <p class="text-compact text-muted">{strings::RISK_SETTER}</p>
        </Section>
    }
}

/// 3: exactly what would run, complete.
#[component]
pub(super) fn ActionSection(shown: DecisionView, raw: Memo<bool>) -> impl IntoView {
    let id = shown.id;
    let newest = shown.versions.last().filter(|version| version.number > 1).cloned();
    let fields: Vec<_> = shown.fields.into_iter().filter(|field| field.section == Place::Action).collect();
    let none = fields.is_empty();

    view! {
        <Section id="action" number=3 title="Proposed action">
            {newest
                .map(|version| {
                    let words = format!(
                        "Version {} differs from the one before. {} {}.",
                        version.number,
                        maker_words(version.maker),
                        version.by,
                    );
                    view! {
                        <div
                            id=CHANGES
                            tabindex="-1"
                            class="grid scroll-mt-16 gap-3 rounded-control border border-hairline bg-info-tint p-3"
                        >
                            <p class="font-medium">
                                <Literal text=words/>
                            </p>
                            <FieldChanges changes=version.changes/>
                        </div>
                    }
                })}
            {none.then(|| view! { <p class="text-muted">{strings::NO_PARAMETERS}</p> })}
            <dl class="grid gap-4">
                {move || {
                    let raw = raw.get();
                    fields.iter().cloned().map(|field| view! { <Parameter field raw/> }.into_any()).collect_view()
                }}
            </dl>
            <div class="flex flex-wrap items-center gap-x-4 gap-y-2 text-compact text-muted">
                <a
                    href=move || {
                        if raw.get() { format!("/decisions/{id}") } else { format!("/decisions/{id}?as=raw") }
                    }
                    class="text-accent underline print:hidden"
                >
                    {move || if raw.get() { strings::READABLE } else { strings::RAW }}
                </a>
                <span>
                    {strings::CONTENT_HASH} " " <CopyId id=shown.content_hash label="content hash"/>
                </span>
                <span class="tabular-nums">{format!("Revision {}", shown.revision)}</span>
            </div>
        </Section>
    }
}

#[component]
fn Parameter(field: Field, raw: bool) -> impl IntoView {
    let Field { name, label, kind, mode, commitment, value, withheld, .. } = field;
    let opened = name.clone();

    let class = if kind == Kind::Structure {
        "grid gap-1"
    } else {
        "grid gap-x-4 gap-y-1 sm:grid-cols-[12rem_minmax(0,1fr)] sm:items-baseline"
    };

    view! {
        <div class=class>
            <dt class="flex flex-wrap items-baseline gap-x-2 text-body font-medium [overflow-wrap:anywhere]">
                {label} <span class="font-mono text-compact font-normal text-muted">{name}</span>
            </dt>
            <dd class="min-w-0">
                {match (value, mode) {
                    (None, _) if withheld => view! { <Withheld field=opened commitment/> }.into_any(),
                    (None, _) => view! { <Absent text=strings::ERASED commitment/> }.into_any(),
                    (Some(_), Mode::Masked) => view! { <Absent text=strings::MASKED commitment/> }.into_any(),
                    (Some(value), _) => {
                        let value = if kind == Kind::Structure && !raw { indent(&value) } else { value };
                        view! { <Payload value/> }.into_any()
                    }
                }}
            </dd>
        </div>
    }
}

/// Says what handed a decision to the senior approvers.
fn escalation_words(by: Option<&str>) -> String {
    match by {
        Some(by) => format!("{by} escalated it to the senior approvers"),
        None => "The deadline passed and it went to the senior approvers".to_owned(),
    }
}

/// A value that is not shown, with what stands for it in the ledger.
#[component]
fn Absent(text: &'static str, commitment: String) -> impl IntoView {
    view! {
        <p class="text-muted">
            {text} " " {strings::COMMITMENT} " " <CopyId id=commitment label="commitment"/>
        </p>
    }
}

/// A personal value, masked until it is opened with a reason.
#[component]
fn Withheld(field: String, commitment: String) -> impl IntoView {
    let Masks { open, decision, may_open, .. } = expect_context();
    let reason = format!("reason-to-open-{field}");
    let label = reason.clone();

    view! {
        <div class="grid gap-2">
            <Absent text=strings::MASKED commitment/>
            {if may_open {
                view! {
                    <ActionForm action=open attr:class="flex flex-wrap items-end gap-3 print:hidden">
                        <input type="hidden" name="decision" value=decision.to_string()/>
                        <input type="hidden" name="field" value=field/>
                        <div class="grid min-w-48 flex-1 gap-1">
                            <label for=label class="text-compact font-medium">
                                {strings::WHY_OPEN}
                            </label>
                            <input
                                id=reason
                                name="reason"
                                type="text"
                                required
                                autocomplete="off"
                                class="block min-h-11 w-full rounded-control border border-control bg-surface px-3 text-body text-text sm:min-h-9"
                            />
                        </div>
                        <Submit weight=Weight::Plain pending=open.pending()>
                            {strings::OPEN}
                        </Submit>
                    </ActionForm>
                }
                    .into_any()
            } else {
                view! { <p class="text-compact text-muted">{strings::WHO_OPENS}</p> }.into_any()
            }}
        </div>
    }
}

/// 4: why the agent proposes it and what it had before it, complete.
#[component]
pub(super) fn ContextSection(shown: DecisionView, raw: Memo<bool>) -> impl IntoView {
    let (reasoning, context): (Vec<_>, Vec<_>) = shown
        .fields
        .into_iter()
        .filter(|field| field.section != Place::Action)
        .partition(|field| field.section == Place::Reasoning);
    let none = reasoning.is_empty() && context.is_empty();

    view! {
        <Section id="evidence" number=4 title="Evidence">
            {none.then(|| view! { <p class="text-muted">{strings::NO_EVIDENCE}</p> })}
            {move || {
                let raw = raw.get();
                reasoning
                    .iter()
                    .chain(&context)
                    .cloned()
                    .map(|field| view! { <Evidence field raw/> }.into_any())
                    .collect_view()
            }}
        </Section>
    }
}

#[component]
fn Evidence(field: Field, raw: bool) -> impl IntoView {
    let Field { name, label, kind, mode, commitment, value, section, withheld } = field;
    let (collapsed, field) = (mode == Mode::Collapsed, name.clone());
    let body = match (value, mode) {
        (None, _) if withheld => view! { <Withheld field=name commitment/> }.into_any(),
        (None, _) => view! { <Absent text=strings::ERASED commitment/> }.into_any(),
        (Some(_), Mode::Masked) => view! { <Absent text=strings::MASKED commitment/> }.into_any(),
        (Some(value), _) if raw => view! { <Payload value/> }.into_any(),
        (Some(value), _) => match (section, kind) {
            (Place::Context, _) => match read(&value) {
                Some(context) => view! { <Dialogue context/> }.into_any(),
                None => view! { <Payload value=indent(&value)/> }.into_any(),
            },
            (_, Kind::Structure) => view! { <Payload value=indent(&value)/> }.into_any(),
            (_, Kind::Text) => view! { <Prose text=value/> }.into_any(),
            _ => view! { <Payload value/> }.into_any(),
        },
    };
    if collapsed {
        let page = use_context::<Opened>();
        let opened = Callback::new(move |()| {
            if let Some(page) = page {
                page.note(&field);
            }
        });
        return view! {
            <Disclosure summary=label opened>
                {body}
            </Disclosure>
        }
        .into_any();
    }
    if section == Place::Context && !withheld {
        return body;
    }

    view! {
        <div class="grid gap-1">
            <h3 class="text-body font-semibold">{label}</h3>
            {body}
        </div>
    }
    .into_any()
}

/// 5: the rule that sent the decision here, and who must act.
#[component]
pub(super) fn PolicySection(shown: DecisionView) -> impl IntoView {
    let policy = shown.policy;
    let rejected = rejections(policy.rejections, policy.reject_threshold).filter(|_| policy.need > 0);

    view! {
        <Section id="policy" number=5 title="Policy">
            <p class="max-w-measure text-reading">{policy.sentence}</p>
            {(!policy.guards.is_empty())
                .then(|| {
                    view! {
                        <div class="max-w-measure rounded-control border border-hairline bg-escalate-tint p-3">
                            <p class="font-medium">{strings::GUARDED}</p>
                            <ul class="list-disc pl-5">
                                {policy.guards.into_iter().map(|guard| view! { <li>{guard}</li> }).collect_view()}
                            </ul>
                        </div>
                    }
                })}
            {policy
                .escalated_at
                .map(|at| {
                    let words = escalation_words(policy.escalated_by.as_deref());
                    view! {
                        <p class="max-w-measure">
                            {words} " " <Moment at/> "."
                        </p>
                    }
                })}
            <dl class="grid gap-1.5">
                {(policy.need > 0)
                    .then(|| {
                        view! {
                            <Fact name=strings::APPROVALS>
                                <ul class="grid gap-0.5">
                                    {policy.seats.into_iter().map(|seat| view! { <li class="tabular-nums">{seat_words(&seat)}</li> }).collect_view()}
                                </ul>
                            </Fact>
                        }
                    })}
                {rejected
                    .map(|words| {
                        let why = if policy.kept_threshold { strings::KEPT_THRESHOLD } else { strings::REJECTED_BY };
                        view! {
                            <Fact name=strings::REJECTIONS>
                                <span class="tabular-nums">{words}</span> " " {why}
                            </Fact>
                        }
                    })}
                <Fact name=strings::RULE>
                    <span class="font-mono text-compact">{policy.name}</span>
                    <span class="tabular-nums">{format!(", row {} of version {}", policy.rule, policy.number)}</span>
                </Fact>
                <Fact name=strings::VERSION>
                    <CopyId id=policy.version label="policy version id"/>
                </Fact>
            </dl>
            <TraceList trace=policy.trace/>
            {(!policy.grants.is_empty())
                .then(|| {
                    let rows = policy
                        .grants
                        .into_iter()
                        .map(|(id, words)| {
                            view! {
                                <li class="[overflow-wrap:anywhere]">
                                    <Literal text=words/> " "
                                    <a href=format!("/grants/{id}") class="text-accent underline">
                                        {strings::READ_GRANT} <span class="sr-only">{format!(" {}", id.short())}</span>
                                    </a>
                                </li>
                            }
                        })
                        .collect_view();
                    view! {
                        <div class="grid gap-1">
                            <h3 class="text-body font-semibold">{strings::GRANTS}</h3>
                            <ul class="max-w-measure list-disc pl-5">{rows}</ul>
                        </div>
                    }
                })}
        </Section>
    }
}

/// "Approver: 1 of 2 approvals, asked now".
fn seat_words(seat: &SeatView) -> String {
    let when = match (seat.given >= seat.need, seat.open) {
        (true, _) => "",
        (false, true) => ", asked now",
        (false, false) => ", asked later",
    };
    format!("{}: {}{when}", seat.role.name(), quorum(seat.given, seat.need))
}

/// 7: what happened, in order, each act with its seal, and the proof of it.
#[component]
pub(super) fn HistorySection(shown: DecisionView, clock: Signal<u64>, reload: Callback<()>) -> impl IntoView {
    let id = shown.id;
    let file = proof_file(id);
    let command = format!("countersign verify {file} --trust trust-policy.txt");
    let may_override = matches!(shown.overriding, Some(Overriding::Open { .. }));
    let lineage = lineage(&shown);

    view! {
        <Section id="history" number=7 title="History and proof">
            {shown
                .resolution
                .map(|resolution| {
                    let given = resolution.given();
                    view! {
                        <dl class="grid gap-1.5">
                            <Fact name=strings::RESOLUTION>
                                <span class="flex flex-wrap items-center gap-x-3">
                                    <strong class="font-semibold">
                                        {match (&resolution.by_rule, resolution.by_grant, resolution.by_pause) {
                                            (Some(rule), ..) => format!("{} by {rule}", outcome_words(given)),
                                            (None, Some(id), _) => grant::label(id),
                                            (None, None, true) => format!("{}, {}", outcome_words(given), strings::BY_PAUSE),
                                            (None, None, false) => outcome_words(given).to_owned(),
                                        }}
                                    </strong>
                                    {resolution
                                        .by_grant
                                        .map(|id| {
                                            view! {
                                                <a href=format!("/grants/{id}") class="text-accent underline">
                                                    {strings::READ_GRANT}
                                                </a>
                                            }
                                        })}
                                    <Moment at=resolution.at/>
                                    <SealMark seal=resolution.seal/>
                                </span>
                            </Fact>
                            <Fact name=strings::RELEASED>
                                {match resolution.released_at {
                                    Some(at) => view! { <Since at now=clock/> }.into_any(),
                                    None => strings::NOT_TOLD.into_any(),
                                }}
                            </Fact>
                            <Overridden id overridden=resolution.overridden may_override=may_override/>
                            <Revoked id revoked=resolution.revoked may_revoke=resolution.may_revoke/>
                            <PostReviews reviews=shown.post_reviews now=shown.now/>
                        </dl>
                    }
                })}
            {lineage}
            <Versions versions=shown.versions/>
            <Reviews decision=id reviews=shown.reviews rounds=shown.revision reload/>
            <Outcomes outcomes=shown.outcomes/>
            <Timeline events=shown.history/>
            <p class="flex flex-wrap gap-3 print:hidden">
                <a href=format!("/decisions/{id}/chain") class=Weight::Plain.class()>
                    <Icon shape=Shape::Chain class="size-4"/>
                    {strings::CHAIN}
                </a>
                <ReadersLink id/>
            </p>
            <div class="grid gap-2 rounded-control bg-raised p-4 print:hidden">
                <h3 class="text-body font-semibold">{strings::PROOF}</h3>
                <p class="max-w-measure text-compact text-muted">{strings::PROOF_TEXT}</p>
                <div class="flex flex-wrap items-center gap-3">
                    <a href=format!("/decisions/{id}/proof") download=file class=Weight::Plain.class()>
                        <Icon shape=Shape::Download class="size-4"/>
                        {strings::DOWNLOAD}
                    </a>
                    <CopyId id=command label="command"/>
                </div>
            </div>
        </Section>
    }
}

/// The way to everybody who read the decision, for those who may read that.
#[component]
fn ReadersLink(id: DecisionId) -> impl IntoView {
    let around = Surroundings::get().around;

    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let me = around.await.ok().and_then(|around| around.me);
                let reads = |role: &Role| matches!(role, Role::ComplianceOfficer | Role::Auditor);
                me.filter(|me| me.roles.iter().any(reads))
                    .map(|_| {
                        view! {
                            <a href=format!("/admin/access?object={id}") class=Weight::Plain.class()>
                                <Icon shape=Shape::Clock class="size-4"/>
                                {strings::READERS}
                            </a>
                        }
                    })
            })}
        </Suspense>
    }
}

/// That a person released what a rule had refused, when, and where to read the rest; or where to release it.
#[component]
fn Overridden(id: DecisionId, overridden: Option<Override>, may_override: bool) -> impl IntoView {
    (may_override || overridden.is_some()).then(|| {
        let words = if overridden.is_some() { strings::OVERRIDDEN } else { strings::OVERRIDE };
        view! {
            <Fact name=strings::OVERRIDING>
                <span class="flex flex-wrap items-center gap-x-3">
                    {overridden
                        .map(|overridden| {
                            view! {
                                <strong class="font-semibold">{overridden.label}</strong>
                                <Moment at=overridden.at/>
                                <SealMark seal=overridden.seal/>
                            }
                        })}
                    <a href=format!("/decisions/{id}/override") class="text-accent underline">
                        {words}
                    </a>
                </span>
            </Fact>
        }
    })
}

/// What another person looks at of what was done against the policy.
#[component]
fn PostReviews(reviews: Vec<PostReview>, now: u64) -> impl IntoView {
    (!reviews.is_empty()).then(|| {
        let rows = reviews
            .into_iter()
            .map(|review| {
                let address = post_review_address(&review);
                let words = act_words(review.kind);
                view! {
                    <li class="grid gap-1">
                        <a href=address class="text-accent underline">
                            {words}
                        </a>
                        <PostReviewState review now/>
                    </li>
                }
                .into_any()
            })
            .collect_view();
        view! {
            <Fact name=strings::POST_REVIEW>
                <ul class="grid gap-2">{rows}</ul>
            </Fact>
        }
    })
}

/// That the approval was taken back, when, and where to read the rest; or where to take it back.
#[component]
fn Revoked(id: DecisionId, revoked: Option<Revocation>, may_revoke: bool) -> impl IntoView {
    (may_revoke || revoked.is_some()).then(|| {
        let is_open = |revoked: &Revocation| {
            revoked.compensation.as_ref().is_some_and(|section| section.state == Compensation::Open)
        };
        let words = match &revoked {
            None => strings::REVOKE,
            Some(revoked) if is_open(revoked) => strings::TO_COMPENSATE,
            Some(_) => strings::REVOKED,
        };
        view! {
            <Fact name=strings::REVOCATION>
                <span class="flex flex-wrap items-center gap-x-3">
                    {revoked
                        .map(|revoked| {
                            view! {
                                <strong class="font-semibold">{outcome_words(ResolutionOutcome::Revoked)}</strong>
                                <Moment at=revoked.at/>
                                <SealMark seal=revoked.seal/>
                            }
                        })}
                    <a href=format!("/decisions/{id}/revoke") class="text-accent underline">
                        {words}
                    </a>
                </span>
            </Fact>
        }
    })
}

/// What was proposed, and every version that took its place, with what differs.
#[component]
fn Versions(versions: Vec<VersionRow>) -> impl IntoView {
    (versions.len() > 1).then(|| {
        let rows = versions
            .into_iter()
            .map(|version| {
                view! {
                    <li class="grid gap-2 py-3">
                        <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                            <span class="font-medium tabular-nums">{format!("Version {}", version.number)}</span>
                            <span class="text-muted">{format!("{} {}", maker_words(version.maker), version.by)}</span>
                            <Moment at=version.at/>
                            <SealMark seal=version.seal/>
                        </p>
                        {(version.number > 1).then(|| view! { <FieldChanges changes=version.changes/> })}
                    </li>
                }
                .into_any()
            })
            .collect_view();
        view! {
            <div>
                <h3 class="text-body font-semibold">{strings::VERSIONS}</h3>
                <ol class="divide-y divide-hairline">{rows}</ol>
            </div>
        }
    })
}

pub(super) const fn maker_words(maker: Maker) -> &'static str {
    match maker {
        Maker::Proposed => "Proposed by",
        Maker::Revised => "Revised by",
        Maker::Edited => "Edited by",
    }
}

#[component]
fn Reviews(
    decision: DecisionId,
    reviews: Vec<ReviewRow>,
    /// Each version of the content is reviewed in a round of its own.
    rounds: u64,
    reload: Callback<()>,
) -> impl IntoView {
    (!reviews.is_empty()).then(|| {
        let rows = reviews
            .into_iter()
            .map(|review| {
                view! {
                    <li class="grid gap-1 py-3">
                        <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                            <span class=standing(review.state)>
                                <VerdictMark verdict=review.verdict/>
                            </span>
                            {match review.state {
                                ReviewState::Submitted => None,
                                ReviewState::Retracted => Some(strings::RETRACTED),
                                ReviewState::Void => Some(strings::VOID),
                            }
                                .map(|text| view! { <Chip tone=Tone::Plain text/> })}
                            {(rounds > 1)
                                .then(|| {
                                    view! {
                                        <span class="text-muted tabular-nums">{format!("Round {}", review.round)}</span>
                                    }
                                })}
                            <span class="font-medium">{review.person.clone()}</span>
                            {review.code.map(|code| view! { <span class="text-muted">{code.label()}</span> })}
                            <Moment at=review.at/>
                            <SealMark seal=review.seal/>
                            <a
                                href=format!("/decisions/{decision}/shown/{}", review.entry)
                                aria-label=format!("{} {}", strings::SHOWN_TO, review.person)
                                class="text-compact text-accent underline print:hidden"
                            >
                                {strings::SHOWN}
                            </a>
                        </p>
                        {review
                            .reason
                            .map(|text| {
                                view! {
                                    <div class="max-w-measure whitespace-pre-wrap [overflow-wrap:anywhere]">
                                        <Literal text/>
                                    </div>
                                }
                            })}
                        {(!review.form.is_empty())
                            .then(|| {
                                let rows = review
                                    .form
                                    .into_iter()
                                    .map(|Answered { label, text }| {
                                        view! {
                                            <div class="sm:contents">
                                                <dt class="text-compact text-muted">
                                                    <Literal text=label/>
                                                </dt>
                                                <dd class="whitespace-pre-wrap [overflow-wrap:anywhere]">
                                                    <Literal text/>
                                                </dd>
                                            </div>
                                        }
                                    })
                                    .collect_view();
                                view! { <dl class="grid max-w-measure gap-x-3 gap-y-1 sm:grid-cols-[auto_minmax(0,1fr)]">{rows}</dl> }
                            })}
                        {review
                            .follow_up
                            .map(|at| {
                                view! {
                                    <p class="text-compact text-muted">{strings::FOLLOW_UP} " " <Moment at/></p>
                                }
                            })}
                        {review.retractable.map(|review| view! { <RetractForm decision review reload/> })}
                    </li>
                }
                .into_any()
            })
            .collect_view();
        view! {
            <div>
                <h3 class="text-body font-semibold">{strings::REVIEWS}</h3>
                <ol class="divide-y divide-hairline">{rows}</ol>
            </div>
        }
    })
}

/// What no longer counts is struck through; a word beside it says why.
const fn standing(state: ReviewState) -> &'static str {
    match state {
        ReviewState::Submitted => "contents",
        ReviewState::Retracted | ReviewState::Void => "contents *:line-through",
    }
}

#[component]
fn Outcomes(outcomes: Vec<OutcomeRow>) -> impl IntoView {
    (!outcomes.is_empty()).then(|| {
        let rows = outcomes
            .into_iter()
            .map(|outcome| {
                view! {
                    <li class="flex flex-wrap items-center gap-x-3 gap-y-1 py-2">
                        <span class="font-medium">{result_words(outcome.result)}</span>
                        <span class="text-muted">{reach_words(outcome.effect)}</span>
                        <Moment at=outcome.at/>
                        <SealMark seal=outcome.seal/>
                    </li>
                }
                .into_any()
            })
            .collect_view();
        view! {
            <div>
                <h3 class="text-body font-semibold">{strings::OUTCOMES}</h3>
                <ol class="divide-y divide-hairline">{rows}</ol>
            </div>
        }
    })
}

pub(super) const fn result_words(result: OutcomeResult) -> &'static str {
    match result {
        OutcomeResult::Executed => "Executed",
        OutcomeResult::Failed => "Failed",
        OutcomeResult::NotExecuted => "Not executed",
        OutcomeResult::Compensated => "Executed, then undone",
    }
}

pub(super) const fn reach_words(effect: Reach) -> &'static str {
    match effect {
        Reach::None => "no effect",
        Reach::Partial => "in part",
        Reach::Full => "in full",
        Reach::Unknown => "effect unknown",
    }
}

/// Acts in order, as a line with marks.
#[component]
fn Timeline(events: Vec<HistoryRow>) -> impl IntoView {
    let rows = events
        .into_iter()
        .map(|event| {
            let dot = if event.n.is_some() {
                "absolute -left-[5px] top-2 size-2.5 rounded-full border-2 border-surface bg-accent"
            } else {
                "absolute -left-[4px] top-2 size-2 rounded-full border border-control bg-surface"
            };
            view! {
                <li class="relative flex flex-wrap items-center gap-x-3 gap-y-0.5 py-1 pl-5 text-compact">
                    <span aria-hidden="true" class=dot></span>
                    <span class="text-body font-medium">{kind_words(&event.kind).to_owned()}</span>
                    <span class="text-muted">{event.actor}</span>
                    <Moment at=event.at/>
                    <SealMark seal=event.seal/>
                </li>
            }
            .into_any()
        })
        .collect_view();

    view! {
        <div>
            <h3 class="mb-1 text-body font-semibold">{strings::TIMELINE}</h3>
            <ol class="ml-1.5 border-l border-hairline">{rows}</ol>
        </div>
    }
}

mod strings {
    pub(super) const PAUSE: &str = "Pause this AI system";
    pub(super) const BY_PAUSE: &str = "because the AI system was paused";
    pub(super) const GUARDED: &str = "The rule approves by itself, but a guard asks for people:";
    pub(super) const STATE: &str = "State";
    pub(super) const RISK: &str = "Risk";
    pub(super) const APPROVALS: &str = "Approvals";
    pub(super) const REJECTIONS: &str = "Rejections";
    pub(super) const KEPT_THRESHOLD: &str = "(as many as when the first was given)";
    pub(super) const REJECTED_BY: &str = "(one alone does not reject it)";
    pub(super) const DEADLINE: &str = "Deadline";
    pub(super) const ACTION: &str = "Action";
    pub(super) const SYSTEM: &str = "AI system";
    pub(super) const OWNER: &str = "Owner";
    pub(super) const SHOWN: &str = "What was shown";
    pub(super) const SHOWN_TO: &str = "What was shown to";
    pub(super) const OWN: &str = " (you)";
    pub(super) const PROPOSED: &str = "Proposed";
    pub(super) const TURN: &str = "Turn";
    pub(super) const TURN_SINCE: &str = "since";
    pub(super) const AT_ZERO: &str = "Silence";
    pub(super) const CASE: &str = "Case";
    pub(super) const RUN: &str = "Agent's run";
    pub(super) const RISK_SETTER: &str = "Set by the decision type and the policy, never by the AI system.";
    pub(super) const NO_PARAMETERS: &str = "This action has no parameters.";
    pub(super) const RAW: &str = "Show exact stored values";
    pub(super) const READABLE: &str = "Show readable values";
    pub(super) const CONTENT_HASH: &str = "Content";
    pub(super) const ERASED: &str = "Erased; the commitment is present.";
    pub(super) const MASKED: &str = "Masked: personal.";
    pub(super) const WHY_OPEN: &str = "Why do you need to see it?";
    pub(super) const OPEN: &str = "Open for five minutes";
    pub(super) const WHO_OPENS: &str =
        "Approvers, senior approvers, policy authors, compliance officers and auditors open it with a reason.";
    pub(super) const COMMITMENT: &str = "Commitment";
    pub(super) const NO_EVIDENCE: &str = "The AI system sent no reasons and no context.";
    pub(super) const RULE: &str = "Rule";
    pub(super) const VERSION: &str = "Policy version";
    pub(super) const GRANTS: &str = "Why no grant approved it";
    pub(super) const READ_GRANT: &str = "Read the grant";
    pub(super) const RESOLUTION: &str = "Resolution";
    pub(super) const OVERRIDING: &str = "Override";
    pub(super) const OVERRIDE: &str = "Override the rule";
    pub(super) const OVERRIDDEN: &str = "Who released it, and why";
    pub(super) const POST_REVIEW: &str = "Post-review";
    pub(super) const REVOCATION: &str = "Revocation";
    pub(super) const REVOKE: &str = "Revoke the approval";
    pub(super) const REVOKED: &str = "Who revoked it, and why";
    pub(super) const TO_COMPENSATE: &str = "It had an effect: somebody has to make that good";
    pub(super) const RELEASED: &str = "AI system told";
    pub(super) const NOT_TOLD: &str = "Not yet: the AI system has not asked.";
    pub(super) const RETRACTED: &str = "Taken back";
    pub(super) const VOID: &str = "Void";
    pub(super) const FOLLOW_UP: &str = "Comes back to it at";
    pub(super) const VERSIONS: &str = "Versions";
    pub(super) const REVIEWS: &str = "Reviews";
    pub(super) const OUTCOMES: &str = "Reported outcomes";
    pub(super) const TIMELINE: &str = "Timeline";
    pub(super) const CHAIN: &str = "Who answers for it";
    pub(super) const READERS: &str = "Who read it";
    pub(super) const PROOF: &str = "Proof";
    pub(super) const PROOF_TEXT: &str =
        "The proof file shows, without this server, that these entries stand in the ledger. Check it on any machine:";
    pub(super) const DOWNLOAD: &str = "Download proof";
}
