//! What a person wants by e-mail.

use countersign_domain::notice::{self, ChannelKind, PreferencesView, Topic};

use crate::{
    Engine,
    authorize::{Action, Target},
    caller::Caller,
    db,
    error::Result,
    people, reads, seal,
};

/// Shows a person what they get by e-mail, and where.
///
/// # Errors
///
/// `unauthenticated` when nobody is signed in.
pub async fn view(engine: &Engine, caller: &Caller) -> Result<PreferencesView> {
    let (person, _) = caller.signed_in()?;
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ViewSelf, Target::Member(person)).await?;
    let login = people::logins(&mut tx, engine, &[person]).await?.remove(&person).unwrap_or_default();
    let muted = db::channels::list_muted(&mut tx, &[person]).await?;
    let channels = db::channels::list(&mut tx).await?;
    tx.commit().await?;
    reads::record(engine, caller, permit.clone(), &reads::of_person(person, &permit), reads::Shown::default()).await?;
    let muted: Vec<_> = muted.into_iter().flat_map(|(_, words)| words).collect();
    let wanted = |topic: &Topic| !muted.iter().any(|word| word == topic.word());
    Ok(PreferencesView {
        address: notice::address(&login).map(str::to_owned),
        mailed: channels.iter().any(|channel| channel.kind == ChannelKind::Email.word() && !channel.paused),
        topics: Topic::ALL.iter().filter(|topic| topic.is_optional()).map(|topic| (*topic, wanted(topic))).collect(),
    })
}

/// Keeps which topics a person wants by e-mail. What guards their account comes whatever they choose.
///
/// # Errors
///
/// As [`view`].
pub async fn set(engine: &Engine, caller: &Caller, wanted: &[Topic]) -> Result<()> {
    let (person, _) = caller.signed_in()?;
    let muted: Vec<_> = Topic::ALL
        .iter()
        .filter(|topic| topic.is_optional() && !wanted.contains(topic))
        .map(|topic| topic.word().to_owned())
        .collect();
    let mut tx = engine.begin().await?;
    let permit = engine.authorize(&mut tx, caller, Action::ViewSelf, Target::Member(person)).await?;
    seal::append(&mut tx, engine, caller, &permit, &reads::of_person(person, &permit)).await?;
    db::channels::set_muted(&mut tx, person, &muted, engine.now()).await?;
    engine.commit(tx).await
}
