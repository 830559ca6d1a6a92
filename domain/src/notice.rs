//! Notices outside the page: what is sent, to whom, how often, and what it says.
//!
//! A message carries no parameters and nothing personal: which AI system and type, the risk, the time left, and a link.
//! The link opens a page; nothing is decided by opening it.

use serde::{Deserialize, Serialize};

use crate::{
    decision::Risk,
    ids::{ChannelId, DecisionId, MessageId, PersonId, SystemId},
    time,
    view::NoticeKind,
};

/// Shares of the time for a decision, in percent, after which people are reminded.
pub const SHARES: [u64; 2] = [50, 80];
/// The share after which a second approver is asked by name.
pub const INVITE_SHARE: u64 = 50;
/// The share that says that the deadline has passed.
pub const PAST_SHARE: u64 = 100;
/// How often people are reminded of what waits past its deadline, in milliseconds.
pub const PAST_EVERY_MS: u64 = 24 * 3_600_000;
/// How long one person is left alone by a channel after a message, in milliseconds; what comes meanwhile is one digest.
pub const QUIET_MS: u64 = 5 * 60_000;
/// Tries before a message is given up.
pub const TRIES_MAX: u64 = 10;
/// Messages of one digest.
pub const DIGEST_MAX: i64 = 50;
/// The spans between two reminders of one decision that can be chosen, in minutes; the first is the default.
pub const SPANS_MINUTES: [u64; 5] = [60, 15, 240, 480, 1_440];

const FIRST_WAIT_MS: u64 = 30_000;
const LONGEST_WAIT_MS: u64 = 6 * 3_600_000;

crate::decision::words! {
    /// How notices leave the installation.
    ChannelKind {
        /// E-mail to each person, over SMTP.
        Email "email"
        /// A room of Slack, over an incoming webhook.
        Slack "slack"
        /// A room of Microsoft Teams, over the webhook of a workflow.
        Teams "teams"
    }
}

crate::decision::words! {
    /// How the connection to a mail server is kept from others.
    SmtpTls {
        /// The server is asked for TLS before anything is said, or nothing is sent.
        Starttls "starttls"
        /// TLS from the first byte.
        Implicit "implicit"
        /// Not at all: only in networks that the operator allowed plain connections to.
        Plain "plain"
    }
}

crate::decision::words! {
    /// What a message is about.
    Topic {
        /// A decision waits for the reader.
        YourTurn "your_turn"
        /// It still waits, and half of its time or more is over.
        Reminder "reminder"
        /// The reader is the second approver who is asked at half of the time.
        Invited "invited"
        /// A decision was handed to the reader.
        Escalated "escalated"
        /// The deadline of a decision has passed.
        Overdue "overdue"
        /// An action had an effect, and its approval is revoked.
        MakeGood "make_good"
        /// What somebody did against the policy waits for another person to look at it.
        PostReview "post_review"
        /// Somebody looked at what the reader did, and did not uphold it.
        NotUpheld "not_upheld"
        /// Somebody asks for a grant that the reader may activate, or the reader's own is answered.
        Grant "grant"
        /// Somebody asks for a role that the reader may give, or the reader's own request is answered.
        RoleRequest "role_request"
        /// A comment names the reader, asks them, or answers them.
        Talk "talk"
        /// The reader's review was taken over.
        TakenOver "taken_over"
        /// An AI system was paused or resumed.
        Pause "pause"
        /// The reader owns an AI system from now on, or no longer.
        Owner "owner"
        /// The reader reviews in somebody's place from now on, or no longer, or somebody no longer in theirs.
        StandIn "stand_in"
        /// A reviewer asked an AI system that the reader owns for a change.
        ChangeAsked "change_asked"
        /// A seat of the policy in force cannot be filled by the people there are.
        StaffShort "staff_short"
        /// It can be again.
        StaffBack "staff_back"
        /// A decision waits, and nobody may review it.
        Nobody "nobody"
        /// A way to sign in to the reader's account changed.
        Account "account"
        /// An emergency sign-in, or another alarm about access.
        Emergency "emergency"
        /// An admin tries the channel.
        Test "test"
    }
}

impl Topic {
    /// Returns what is sent when somebody is told this on the page.
    pub const fn of(kind: NoticeKind) -> Topic {
        match kind {
            NoticeKind::FactorAdded
            | NoticeKind::FactorRemoved
            | NoticeKind::PasswordChanged
            | NoticeKind::RecoveryUsed
            | NoticeKind::PasskeyConfirmed => Topic::Account,
            NoticeKind::PasskeyCopied | NoticeKind::BreakGlass | NoticeKind::GroupOverage => Topic::Emergency,
            NoticeKind::SystemPaused | NoticeKind::SystemResumed => Topic::Pause,
            NoticeKind::Mentioned | NoticeKind::Asked | NoticeKind::Answered => Topic::Talk,
            NoticeKind::ToMakeGood => Topic::MakeGood,
            NoticeKind::ToPostReview => Topic::PostReview,
            NoticeKind::NotUpheld => Topic::NotUpheld,
            NoticeKind::OwnerNamed | NoticeKind::OwnerReplaced => Topic::Owner,
            NoticeKind::StandsIn | NoticeKind::StandsInNoMore => Topic::StandIn,
            NoticeKind::GrantAsked | NoticeKind::GrantActivated | NoticeKind::GrantRefused => Topic::Grant,
            NoticeKind::RoleRequested | NoticeKind::RoleAnswered => Topic::RoleRequest,
            NoticeKind::ChangeAsked => Topic::ChangeAsked,
            NoticeKind::StaffShort => Topic::StaffShort,
            NoticeKind::StaffBack => Topic::StaffBack,
            NoticeKind::TakenOver => Topic::TakenOver,
            NoticeKind::Invited => Topic::Invited,
            NoticeKind::NobodyReviews => Topic::Nobody,
        }
    }

    /// Tells whether a person may do without it. What guards their account and the installation they may not.
    pub const fn is_optional(self) -> bool {
        !matches!(
            self,
            Topic::StaffShort | Topic::StaffBack | Topic::Nobody | Topic::Account | Topic::Emergency | Topic::Test
        )
    }

    /// Tells whether a room can be told: what is one person's alone stays with them.
    pub const fn is_for_rooms(self) -> bool {
        matches!(
            self,
            Topic::YourTurn
                | Topic::Reminder
                | Topic::Escalated
                | Topic::Overdue
                | Topic::MakeGood
                | Topic::Pause
                | Topic::StaffShort
                | Topic::StaffBack
                | Topic::Nobody
                | Topic::Emergency
        )
    }

    /// Tells whether it goes out at once, whatever else was just sent.
    pub const fn is_urgent(self) -> bool {
        matches!(
            self,
            Topic::Escalated
                | Topic::MakeGood
                | Topic::StaffShort
                | Topic::Nobody
                | Topic::Account
                | Topic::Emergency
                | Topic::Test
        )
    }

    /// Tells whether it says nothing any more once it is nobody's turn.
    pub const fn is_about_a_turn(self) -> bool {
        matches!(self, Topic::YourTurn | Topic::Reminder | Topic::Invited)
    }

    /// Tells whether the span between reminders counts for it.
    pub const fn is_throttled(self) -> bool {
        matches!(self, Topic::Reminder)
    }

    /// Says it in a sentence, to one person or to a room.
    pub const fn says(self, room: bool) -> &'static str {
        match (self, room) {
            (Topic::YourTurn, false) => "A decision waits for you",
            (Topic::YourTurn, true) => "A decision waits for a review",
            (Topic::Reminder, false) => "A decision still waits for you",
            (Topic::Reminder, true) => "A decision still waits for a review",
            (Topic::Invited, _) => "You are asked to review as second approver",
            (Topic::Escalated, false) => "A decision was handed to you",
            (Topic::Escalated, true) => "A decision was handed to the senior approvers",
            (Topic::Overdue, _) => "The deadline of a decision has passed",
            (Topic::MakeGood, _) => {
                "An action had an effect and its approval is revoked; somebody has to make that good"
            }
            (Topic::PostReview, _) => "Something done against the policy waits for another person to look at it",
            (Topic::NotUpheld, _) => "Somebody looked at what you did, and did not uphold it",
            (Topic::Grant, _) => "A grant waits for another person, or yours is answered",
            (Topic::RoleRequest, _) => "Somebody asks for a role, or your own request for one is answered",
            (Topic::Talk, _) => "A comment is meant for you",
            (Topic::TakenOver, _) => "Your review was taken over",
            (Topic::Pause, _) => "An AI system was paused or resumed",
            (Topic::Owner, _) => "You own an AI system from now on, or no longer",
            (Topic::StandIn, _) => "Who reviews in whose place changed, and you are one of the two",
            (Topic::ChangeAsked, _) => "An AI system that you own was asked for a change",
            (Topic::StaffShort, _) => "Too few people can decide",
            (Topic::StaffBack, _) => "Enough people can decide again, and this is over",
            (Topic::Account, _) => "A way to sign in to your account changed",
            (Topic::Emergency, _) => "An emergency sign-in, or another alarm about access",
            (Topic::Nobody, _) => "A decision waits, and nobody may review it",
            (Topic::Test, _) => "This is a test message",
        }
    }

    /// Returns the page of the installation that it leads to.
    pub fn path(self, decision: Option<DecisionId>) -> String {
        match (self, decision) {
            (Topic::Talk, Some(id)) => format!("/decisions/{id}#comments"),
            (Topic::PostReview, _) => "/post-reviews".to_owned(),
            (Topic::Grant, _) => "/grants".to_owned(),
            (Topic::RoleRequest, _) => "/me/role-requests".to_owned(),
            (Topic::Nobody, _) => "/admin/people".to_owned(),
            (Topic::StaffShort | Topic::StaffBack, _) => "/admin/health".to_owned(),
            (_, Some(id)) => format!("/decisions/{id}"),
            (Topic::Pause, None) => "/pauses".to_owned(),
            (Topic::Account, None) => "/me/factors".to_owned(),
            (Topic::Test, None) => "/admin/notices".to_owned(),
            (_, None) => "/me".to_owned(),
        }
    }
}

/// What one message, or one line of a digest, says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is about.
    pub topic: Topic,
    /// The decision.
    pub decision: Option<DecisionId>,
    /// Name of the AI system.
    pub system: Option<String>,
    /// The decision's type.
    pub type_name: Option<String>,
    /// Its risk.
    pub risk: Option<Risk>,
    /// Milliseconds until its deadline.
    pub left_ms: Option<u64>,
}

/// A message, ready for any channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// What it tells, each with the page that it leads to.
    pub lines: Vec<(String, String)>,
}

impl Item {
    /// Says to what it happened: system, type, risk, time left and the end of an id, as far as there are any.
    pub fn facts(&self) -> String {
        let risk = self.risk.map(|risk| format!("{} risk", risk.word()));
        let left = self.left_ms.filter(|left| *left > 0).map(|left| format!("{} left", time::duration(left)));
        let id = self.decision.map(|id| id.short());
        let facts: Vec<_> =
            [self.system.as_deref().map(plain), self.type_name.clone(), risk, left, id].into_iter().flatten().collect();
        facts.join(", ")
    }

    /// Says what happened and to what, in one line.
    pub fn line(&self, room: bool) -> String {
        match self.facts() {
            facts if facts.is_empty() => self.topic.says(room).to_owned(),
            facts => format!("{}: {facts}", self.topic.says(room)),
        }
    }
}

impl Message {
    /// Writes one message of one item, or a digest of several. `origin` is the installation's address.
    pub fn of(items: &[Item], origin: &str, room: bool) -> Message {
        let lines: Vec<_> =
            items.iter().map(|item| (item.line(room), format!("{origin}{}", item.topic.path(item.decision)))).collect();
        let subject = match lines.as_slice() {
            [(line, _)] => format!("Countersign: {line}"),
            lines => format!("Countersign: {} notices", lines.len()),
        };
        Message { subject, lines }
    }
}

/// A name without anything that breaks a line.
fn plain(name: &str) -> String {
    name.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// How long to wait before a message is tried again after so many tries; none when it is given up.
///
/// Each wait is twice the one before, up to six hours, and a quarter shorter or longer by `chance`, so that what failed
/// together does not come back together.
pub fn wait_ms(tries: u64, chance: u8) -> Option<u64> {
    if tries >= TRIES_MAX {
        return None;
    }
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
    let wait = FIRST_WAIT_MS.saturating_mul(1 << doublings).min(LONGEST_WAIT_MS);
    Some(wait - wait / 4 + wait / 2 * u64::from(chance) / 255)
}

/// Which share of the time for a decision people are to be reminded of now: the greatest that is over and was not told.
pub fn share_due(begun: u64, due: u64, now: u64, told: Option<u64>) -> Option<u64> {
    let whole = due.saturating_sub(begun);
    if whole == 0 || now >= due {
        return None;
    }
    let over = now.saturating_sub(begun);
    SHARES
        .into_iter()
        .rev()
        .find(|share| over.saturating_mul(100) >= whole.saturating_mul(*share))
        .filter(|share| told.is_none_or(|told| told < *share))
}

/// Tells whether a person may be reminded of a decision again.
pub fn may_remind(last: Option<u64>, now: u64, span_ms: u64) -> bool {
    last.is_none_or(|last| now.saturating_sub(last) >= span_ms)
}

/// Chooses the second approver who is asked: among those whose turn it is and who do not review it already, the one who
/// was asked least often, by id where several were.
pub fn invite(turns: &[PersonId], reviewing: &[PersonId], asked: impl Fn(PersonId) -> u64) -> Option<PersonId> {
    // Where nobody has begun, everybody is asked already.
    if reviewing.is_empty() && turns.len() < 2 {
        return None;
    }
    turns.iter().copied().filter(|person| !reviewing.contains(person)).min_by_key(|person| (asked(*person), *person))
}

/// Returns the e-mail address that a sign-in name is, if it is one.
pub fn address(login: &str) -> Option<&str> {
    let (local, host) = login.split_once('@')?;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>()[],;:\\\"@".contains(&byte));
    let dotted = host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
    (!local.is_empty() && local.len() <= 64 && plain(local) && plain(host) && dotted).then_some(login)
}

/// A channel as a form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelForm {
    /// What admins call it.
    pub name: String,
    /// Email, slack or teams.
    pub kind: String,
    /// The mail server.
    pub host: String,
    /// Its port.
    pub port: String,
    /// How the connection is kept from others.
    pub tls: String,
    /// Address that mail comes from.
    pub sender: String,
    /// Account at the mail server, or nothing.
    pub account: String,
    /// Words of the topics that a room is told.
    pub topics: Vec<String>,
    /// The only AI system that a room is told of, or nothing.
    pub system: String,
    /// Minutes between two reminders of one decision.
    pub span: String,
}

/// A channel as admins see it; its secret is shown to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// The channel.
    pub id: ChannelId,
    /// What it is.
    pub kind: ChannelKind,
    /// What admins call it.
    pub name: String,
    /// Where it leads: host, and port of a mail server.
    pub place: String,
    /// How the connection to a mail server is kept from others.
    pub tls: Option<SmtpTls>,
    /// Address that mail comes from.
    pub sender: Option<String>,
    /// Account at the mail server.
    pub account: Option<String>,
    /// What a room is told.
    pub topics: Vec<Topic>,
    /// The only AI system that a room is told of.
    pub system: Option<String>,
    /// Minutes between two reminders of one decision.
    pub span_minutes: u64,
    /// Nothing is sent while it is paused.
    pub paused: bool,
    /// Messages sent within a day.
    pub sent_count: u64,
    /// Messages that wait.
    pub waiting_count: u64,
    /// When the last one was sent.
    pub last_sent_at: Option<u64>,
    /// Why the last try failed, until one works.
    pub last_error: Option<String>,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRow {
    /// The message.
    pub id: MessageId,
    /// The channel's name.
    pub channel: String,
    /// What it is about.
    pub topic: Topic,
    /// To whom; nobody in particular for a room.
    pub person: Option<String>,
    /// Tries.
    pub tries: u64,
    /// Why the last one failed.
    pub error: String,
    /// When it was to be told.
    pub at: u64,
}

/// The page of channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelsView {
    /// Channels, oldest first.
    pub channels: Vec<ChannelRow>,
    /// Messages that were given up, newest first.
    pub failed: Vec<FailedRow>,
    /// AI systems that a room can be bound to.
    pub systems: Vec<(SystemId, String)>,
    /// The reader may change channels.
    pub may_change: bool,
    /// Server time.
    pub now: u64,
}

/// What a person gets by e-mail, on their own page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreferencesView {
    /// The address; none where the sign-in name is none.
    pub address: Option<String>,
    /// E-mail is sent at all.
    pub mailed: bool,
    /// What can be switched off, and whether it is on.
    pub topics: Vec<(Topic, bool)>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_message_names_system_type_risk_time_and_page_and_nothing_else() {
        let message = Message::of(&[item(Topic::YourTurn)], "https://desk.example.org", false);

        assert_eq!(
            message.subject,
            "Countersign: A decision waits for you: refund agent, refund.issue, medium risk, 2 h left, 886B812A"
        );
        assert_eq!(
            message.lines,
            [(
                "A decision waits for you: refund agent, refund.issue, medium risk, 2 h left, 886B812A".to_owned(),
                "https://desk.example.org/decisions/01a19b7d-90e0-7f95-ae73-2979886b812a".to_owned()
            )]
        );
        let broken = Item { system: Some("a\r\nBcc: b".into()), ..item(Topic::Reminder) };
        assert!(!Message::of(&[broken], "", false).subject.contains(['\r', '\n']));
    }

    #[test]
    fn several_items_are_one_digest() {
        let message = Message::of(&[item(Topic::YourTurn), item(Topic::Talk)], "https://desk.example.org", false);

        assert_eq!(message.subject, "Countersign: 2 notices");
        assert_eq!(message.lines.len(), 2);
        assert!(message.lines[1].1.ends_with("#comments"));
    }

    #[test]
    fn every_wait_is_longer_within_its_bounds_and_the_tenth_try_is_the_last() {
        for tries in 1..TRIES_MAX {
            let (least, most) = (wait_ms(tries, 0).unwrap(), wait_ms(tries, 255).unwrap());
            let middle = (30_000u64 << (tries - 1)).min(LONGEST_WAIT_MS);
            assert_eq!((least, most), (middle - middle / 4, middle - middle / 4 + middle / 2), "{tries}");
        }
        assert_eq!(wait_ms(TRIES_MAX, 0), None);
        assert_eq!(wait_ms(u64::MAX, 255), None);
    }

    #[test]
    fn people_are_reminded_once_at_each_share_and_never_after_the_deadline() {
        let at = |now, told| share_due(1_000, 2_000, now, told);

        assert_eq!(at(1_499, None), None);
        assert_eq!(at(1_500, None), Some(50));
        assert_eq!(at(1_799, Some(50)), None);
        assert_eq!(at(1_800, Some(50)), Some(80));
        assert_eq!(at(1_900, None), Some(80), "what was missed is not made up for");
        assert_eq!(at(1_900, Some(80)), None);
        assert_eq!(at(2_000, Some(50)), None);
        assert_eq!(share_due(5, 5, 5, None), None);
    }

    #[test]
    fn a_span_lies_between_two_reminders() {
        assert!(may_remind(None, 0, 60));
        assert!(!may_remind(Some(100), 159, 60));
        assert!(may_remind(Some(100), 160, 60));
    }

    #[test]
    fn the_second_approver_is_who_was_asked_least_and_does_not_review_it() {
        let people: Vec<PersonId> = (1..=3).map(|number| PersonId(Uuid::from_u128(number))).collect();
        let asked = |person: PersonId| u64::from(person == people[1]);

        assert_eq!(invite(&people, &[people[0]], asked), Some(people[2]));
        assert_eq!(invite(&people, &[], |_| 0), Some(people[0]));
        assert_eq!(invite(&people[..1], &[], |_| 0), None, "they know");
        assert_eq!(invite(&people[..1], &[people[0]], |_| 0), None);
    }

    #[test]
    fn an_address_is_told_from_another_name() {
        for login in ["ada@example.org", "ada.b+c@mail.example.org"] {
            assert_eq!(address(login), Some(login));
        }
        for login in ["ada", "@example.org", "ada@", "ada@host", "a@b@c.d", "ada@example.", "a,b@example.org", "ä@ö.de"]
        {
            assert_eq!(address(login), None, "{login}");
        }
    }

    #[test]
    fn what_guards_an_account_cannot_be_switched_off_and_rooms_learn_nothing_of_one_person() {
        let fixed: Vec<_> = Topic::ALL.iter().filter(|topic| !topic.is_optional()).map(|topic| topic.word()).collect();
        assert_eq!(fixed, ["staff_short", "staff_back", "nobody", "account", "emergency", "test"]);
        for topic in [
            Topic::Invited,
            Topic::PostReview,
            Topic::NotUpheld,
            Topic::Grant,
            Topic::RoleRequest,
            Topic::Talk,
            Topic::TakenOver,
            Topic::Owner,
            Topic::StandIn,
            Topic::ChangeAsked,
            Topic::Account,
        ] {
            assert!(!topic.is_for_rooms(), "{}", topic.word());
        }
        for kind in NoticeKind::ALL {
            assert_ne!(Topic::of(*kind), Topic::Test);
        }
    }

    fn item(topic: Topic) -> Item {
        Item {
            topic,
            decision: Some("01a19b7d-90e0-7f95-ae73-2979886b812a".parse().unwrap()),
            system: Some("refund agent".into()),
            type_name: Some("refund.issue".into()),
            risk: Some(Risk::Medium),
            left_ms: Some(2 * 3_600_000),
        }
    }
}
