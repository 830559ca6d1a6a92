//! What people say about a decision: the list, live, and the form for another comment.

use countersign_domain::{
    ids::{DecisionId, FormId},
    talk::{CommentRow, CommentsView},
};
use leptos::{form::ActionForm, html, prelude::*, task::spawn_local};

use crate::{
    Error,
    answer::{Answer, answer_of, typed},
    components::{
        dialogue::Disclosure,
        form::{ErrorSummary, Submit, Weight, error_of},
        marks::{Chip, SealMark, Tone},
        page::Section,
        text::{Literal, SafeTextArea},
        time::Moment,
    },
    frame::Surroundings,
    live::Live,
    wire::Json,
};

/// Reads the comments of a decision anew, when the stream says that there is another.
#[server(prefix = "/act", endpoint = "comments", output = Json)]
pub(crate) async fn comments(decision: DecisionId) -> Result<CommentsView, Error> {
    use countersign_engine::decisions;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, decisions::comments(&engine, &caller, decision).await)
}

/// Records a comment, a question or an answer.
#[server(prefix = "/act", endpoint = "comment", output = Json)]
pub(crate) async fn comment(
    decision: DecisionId,
    nonce: FormId,
    comment: String,
    #[server(default)] asks: String,
    #[server(default)] answers: String,
) -> Result<Answer, Error> {
    use countersign_domain::{
        problem::{Code, FieldError, Problem},
        talk::Note,
    };
    use countersign_engine::decisions::{self, CommentRequest};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let comment = match Note::new(&comment) {
        Ok(comment) => comment,
        Err(error) => {
            let errors = vec![FieldError::new("/comment", "invalid_text", format!("Comment: {error}."))];
            let problem = Problem::fields(Code::InvalidContent, "The comment was not recorded.", errors);
            return Ok(told(Err(problem)));
        }
    };
    let asked = CommentRequest { decision, nonce, comment, asks, answers: answers.parse().ok() };
    let done = act(async move { decisions::comment(&engine, &caller, asked).await }).await;

    Ok(told(done.map(|()| Answer::done(format!("/decisions/{decision}#comments")))))
}

/// 8: comments, oldest first. `typed_before` keeps what is typed while the page is read again.
#[component]
pub(super) fn CommentsSection(id: DecisionId, view: CommentsView, typed_before: RwSignal<String>) -> impl IntoView {
    let barred = view.barred.clone();
    let shown = RwSignal::new(view);
    let read = move || {
        spawn_local(async move {
            if let Ok(fresh) = comments(id).await {
                shown.try_set(fresh);
            }
        });
    };
    let live = expect_context::<Live>();
    let known = live.change.with_untracked(|change| change.as_ref().map_or(0, |change| change.size));
    Effect::new(move || {
        let more = live
            .change
            .with(|change| change.as_ref().is_some_and(|change| change.size > known && change.commented.contains(&id)));
        if more {
            read();
        }
    });
    let rows =
        move || shown.with(|view| view.rows.iter().cloned().map(|row| view! { <Row row/> }.into_any()).collect_view());

    view! {
        <Section id="comments" number=8 title=strings::COMMENTS>
            <p class="max-w-measure text-compact text-muted">{strings::INTRO}</p>
            <ol aria-label=strings::COMMENTS class="divide-y divide-hairline">
                {rows}
            </ol>
            {match barred {
                Some(reason) => view! { <p class="text-muted">{reason}</p> }.into_any(),
                None => view! { <CommentForm id shown typed_before read=Callback::new(move |()| read())/> }.into_any(),
            }}
        </Section>
    }
}

#[component]
fn Row(row: CommentRow) -> impl IntoView {
    let question = row.question.map(|question| {
        let (tone, text) = match question.open {
            true => (Tone::Escalate, strings::OPEN),
            false => (Tone::Plain, strings::ANSWERED),
        };
        view! {
            <Chip tone text/>
            <span>{strings::TO} <Literal text=question.asks/></span>
        }
    });

    view! {
        <li class="grid gap-1 py-3">
            <p class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <span class="font-medium [overflow-wrap:anywhere]">
                    <Literal text=row.person/>
                </span>
                {question}
                {row.answers.map(|asker| view! { <span>{strings::ANSWERS} <Literal text=asker/></span> })}
                <Moment at=row.at/>
                <SealMark seal=row.seal/>
            </p>
            <div class="max-w-measure whitespace-pre-wrap [overflow-wrap:anywhere]">
                <Literal text=row.text/>
            </div>
        </li>
    }
}

#[component]
fn CommentForm(
    id: DecisionId,
    shown: RwSignal<CommentsView>,
    typed_before: RwSignal<String>,
    read: Callback<()>,
) -> impl IntoView {
    let action = ServerAction::<Comment>::new();
    let answer = answer_of(action);
    let problem = Signal::derive(move || answer.get().and_then(Answer::problem));
    let error = |name: &'static str| Memo::new(move |_| problem.with(|problem| error_of(problem.as_ref()?, name)));
    let (text_error, asks_error) = (error("comment"), error("asks"));
    let (area, asks) = (NodeRef::<html::Textarea>::new(), NodeRef::<html::Input>::new());
    let surroundings = Surroundings::get();
    Effect::new(move || {
        if matches!(answer.get(), Some(Answer::Done { .. })) {
            action.clear();
            typed_before.set(String::new());
            if let (Some(area), Some(asks)) = (area.get_untracked(), asks.get_untracked()) {
                area.set_value("");
                asks.set_value("");
            }
            surroundings.say(strings::RECORDED);
            read.run(());
        }
    });
    let kept = match typed_before.get_untracked() {
        kept if kept.is_empty() => typed::<Comment>("comment"),
        kept => kept,
    };
    let questions = Memo::new(move |_| {
        let own = |row: &&CommentRow| row.question.as_ref().is_some_and(|question| question.open && question.own);
        shown.with(|view| view.rows.iter().filter(own).map(|row| (row.entry, row.person.clone())).collect::<Vec<_>>())
    });
    let colleagues = shown.with_untracked(|view| view.colleagues.clone());
    let options = colleagues.iter().map(|one| view! { <option value=one.login.clone()>{one.name.clone()}</option> });
    let options = options.collect_view();
    let names = colleagues.iter().map(|one| view! { <li>{format!("@{} {}", one.login, one.name)}</li> }).collect_view();

    view! {
        <ActionForm action attr:class="grid max-w-2xl gap-3 print:hidden">
            <input type="hidden" name="decision" value=id.to_string()/>
            <input type="hidden" name="nonce" value=move || shown.with(|view| view.nonce.to_string())/>
            <ErrorSummary problem/>
            {move || {
                let questions = questions.get();
                (!questions.is_empty())
                    .then(|| {
                        let options = questions
                            .into_iter()
                            .map(|(entry, asker)| {
                                view! { <option value=entry.to_string()>{format!("{} {asker}", strings::TO_QUESTION)}</option> }
                            })
                            .collect_view();
                        view! {
                            <div class="grid gap-1">
                                <label for="answers" class="text-body font-medium">
                                    {strings::IS}
                                </label>
                                <select id="answers" name="answers" class=FIELD>
                                    {options}
                                    <option value="">{strings::NO_ANSWER}</option>
                                </select>
                            </div>
                        }
                    })
            }}
            <div class="grid gap-1">
                <label for="comment" class="text-body font-medium">
                    {strings::COMMENT}
                </label>
                <p id="comment-hint" class="text-compact text-muted">
                    {strings::HINT}
                </p>
                <SafeTextArea
                    name="comment"
                    value=kept
                    rows=3
                    described_by="comment-hint"
                    invalid=Signal::derive(move || text_error.get().is_some())
                    node_ref=area
                    on:input=move |event| typed_before.set(event_target_value(&event))
                />
            </div>
            <div class="grid gap-1">
                <label for="asks" class="text-body font-medium">
                    {strings::ASK}
                </label>
                <p id="asks-hint" class="text-compact text-muted">
                    {strings::ASK_HINT}
                </p>
                <input
                    id="asks"
                    name="asks"
                    type="text"
                    list="colleagues"
                    value={typed::<Comment>("asks")}
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby="asks-hint"
                    aria-invalid=move || asks_error.get().map(|_| "true")
                    node_ref=asks
                    class=FIELD
                />
                <datalist id="colleagues">{options}</datalist>
            </div>
            <Disclosure summary=strings::WHO>
                <ul class="grid gap-0.5 text-compact [overflow-wrap:anywhere]">{names}</ul>
            </Disclosure>
            <div>
                <Submit weight=Weight::Plain pending=action.pending()>
                    {strings::SEND}
                </Submit>
            </div>
        </ActionForm>
    }
}

const FIELD: &str = "block min-h-11 w-full max-w-sm rounded-control border border-control bg-surface px-3 text-reading text-text aria-[invalid]:border-reject sm:min-h-10";

mod strings {
    pub(super) const COMMENTS: &str = "Comments";
    pub(super) const INTRO: &str =
        "A comment is sealed and decides nothing. The AI system is not told of it. Name no customers.";
    pub(super) const OPEN: &str = "Open question";
    pub(super) const ANSWERED: &str = "Question, answered";
    pub(super) const TO: &str = "to ";
    pub(super) const ANSWERS: &str = "answers ";
    pub(super) const IS: &str = "This is";
    pub(super) const TO_QUESTION: &str = "an answer to";
    pub(super) const NO_ANSWER: &str = "a comment, no answer";
    pub(super) const COMMENT: &str = "Comment";
    pub(super) const HINT: &str = "@ and a sign-in name tells that person. At most 2,000 characters.";
    pub(super) const ASK: &str = "Ask for an answer (optional)";
    pub(super) const ASK_HINT: &str = "One person's sign-in name. The turn stays where it is.";
    pub(super) const WHO: &str = "Who can be named";
    pub(super) const SEND: &str = "Comment";
    pub(super) const RECORDED: &str = "Your comment is recorded.";
}
