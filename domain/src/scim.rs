//! SCIM 2.0 (RFC 7643, RFC 7644): what a directory pushes, and the rules of its language.
//!
//! A resource is read and written as JSON by the table of [`schema`]; whatever the table does not
//! keep is left out. [`patch`] changes a resource, [`filter`] finds one; both are pure, and speak the
//! dialects of common directories: operations in capitals, truth as text, dotted members.

pub mod filter;
pub mod patch;
pub mod schema;

use serde_json::{Map, Value, json};

pub use filter::Filter;
pub use schema::{Attribute, Kind, Resource};

/// Media type of everything that crosses the door.
pub const MEDIA_TYPE: &str = "application/scim+json";
/// Schema of errors.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Schema of lists.
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Schema of patches.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Most resources of one answer.
pub const COUNT_MAX: u64 = 200;
/// Most operations of one patch.
pub const OPERATIONS_MAX: usize = 1_000;
/// Most members of one group.
pub const MEMBERS_MAX: usize = 10_000;

/// Why a request of the language was not taken (RFC 7644 section 3.12); all are status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// The word that programs match on.
    pub kind: FaultKind,
    /// What to send instead.
    pub detail: String,
}

/// The `scimType` of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The filter cannot be read, or asks for what is not offered.
    InvalidFilter,
    /// The body is not what it should be.
    InvalidSyntax,
    /// The path names nothing.
    InvalidPath,
    /// The path selects nothing that exists.
    NoTarget,
    /// The value does not fit its attribute.
    InvalidValue,
    /// The attribute is the server's own.
    Mutability,
    /// The value belongs to another resource.
    Uniqueness,
}

impl FaultKind {
    /// Returns the word of the protocol.
    pub const fn word(self) -> &'static str {
        match self {
            FaultKind::InvalidFilter => "invalidFilter",
            FaultKind::InvalidSyntax => "invalidSyntax",
            FaultKind::InvalidPath => "invalidPath",
            FaultKind::NoTarget => "noTarget",
            FaultKind::InvalidValue => "invalidValue",
            FaultKind::Mutability => "mutability",
            FaultKind::Uniqueness => "uniqueness",
        }
    }
}

impl Fault {
    /// Makes a fault.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// What is kept of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The directory's name for the user, unique without case.
    pub user_name: String,
    /// The directory's own id; the `sub` of the provider that the directory belongs to.
    pub external_id: Option<String>,
    /// Whether the user may sign in.
    pub active: bool,
    /// The name on screens.
    pub display_name: String,
}

impl User {
    /// Reads what matters out of a document that [`read`] made.
    ///
    /// # Errors
    ///
    /// When there is no `userName`.
    pub fn of(document: &Map<String, Value>) -> Result<Self, Fault> {
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = |part: &str| document.get("name").and_then(|name| name.get(part)?.as_str()).map(str::to_owned);
        let user_name =
            text("userName").ok_or_else(|| Fault::new(FaultKind::InvalidValue, "A user needs a userName."))?;
        let parts = [name("givenName"), name("familyName")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let display_name = text("displayName")
            .or_else(|| name("formatted"))
            .or_else(|| (!parts.is_empty()).then_some(parts))
            .unwrap_or_else(|| user_name.clone());
        let active = document.get("active").and_then(Value::as_bool).unwrap_or(true);

        Ok(Self { user_name, external_id: text("externalId"), active, display_name })
    }
}

/// What is kept of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name, which mapping rows compare.
    pub display_name: String,
    /// The directory's own id.
    pub external_id: Option<String>,
    /// Ids of its members, sorted.
    pub members: Vec<String>,
}

impl Group {
    /// Reads what matters out of a document that [`read`] made.
    ///
    /// # Errors
    ///
    /// When there is no `displayName`, or a member is no user of this directory.
    pub fn of(document: &Map<String, Value>) -> Result<Self, Fault> {
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let display_name =
            text("displayName").ok_or_else(|| Fault::new(FaultKind::InvalidValue, "A group needs a displayName."))?;
        let members = document.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut ids = Vec::with_capacity(members.len());
        for member in members {
            let nested =
                member.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("group"));
            match member.get("value").and_then(Value::as_str) {
                Some(id) if !nested => ids.push(id.to_owned()),
                Some(_) => {
                    return Err(Fault::new(
                        FaultKind::InvalidValue,
                        "Groups inside groups are not kept; push the users.",
                    ));
                }
                None => return Err(Fault::new(FaultKind::InvalidValue, "A member needs a value: the id of a user.")),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > MEMBERS_MAX {
            return Err(Fault::new(FaultKind::InvalidValue, format!("A group has at most {MEMBERS_MAX} members.")));
        }

        Ok(Self { display_name, external_id: text("externalId"), members: ids })
    }
}

/// Reads a whole resource, as POST and PUT send it: names in any case, what is not kept left out.
///
/// # Errors
///
/// When a value does not fit its attribute.
pub fn read(resource: Resource, body: &Value) -> Result<Map<String, Value>, Fault> {
    let members = body.as_object().ok_or_else(|| Fault::new(FaultKind::InvalidSyntax, "The body is a JSON object."))?;
    let schemas = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")).map(|(_, value)| value);
    let named = schemas.and_then(Value::as_array).is_some_and(|schemas| {
        schemas.iter().any(|schema| schema.as_str().is_some_and(|text| text.eq_ignore_ascii_case(resource.schema())))
    });
    if !named {
        let detail = format!("The member schemas names {}.", resource.schema());
        return Err(Fault::new(FaultKind::InvalidSyntax, detail));
    }
    let mut document = Map::new();
    for (name, value) in members {
        if let Some(attribute) = schema::find(resource.attributes(), name) {
            schema::put(&mut document, attribute, value)?;
        }
    }

    Ok(document)
}

/// Makes an error answer.
pub fn error(status: u16, kind: Option<FaultKind>, detail: &str) -> Value {
    let mut body = json!({"schemas": [ERROR], "status": status.to_string(), "detail": detail});
    if let Some(kind) = kind {
        body["scimType"] = kind.word().into();
    }
    body
}

/// Makes a list answer.
pub fn list(resources: Vec<Value>, total: u64, start: u64) -> Value {
    json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// Leaves out of an answer what the request does not want (RFC 7644 section 3.9); `id` and `schemas` stay.
pub fn project(body: &mut Value, only: &[String], without: &[String]) {
    let Some(members) = body.as_object_mut() else { return };
    let named = |list: &[String], name: &str| {
        list.iter().any(|path| {
            let path = path.rsplit(':').next().unwrap_or(path);
            path.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case(name))
        })
    };
    members.retain(|name, _| {
        matches!(name.as_str(), "id" | "schemas")
            || (if only.is_empty() { !named(without, name) } else { named(only, name) || name == "meta" })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_in_any_case_and_only_what_is_kept() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "USERNAME": "a@example.org",
            "externalid": "42", "Active": "False", "name": {"GivenName": "Anna", "familyName": "Berg", "middleName": "x"},
            "emails": {"value": "a@example.org", "PRIMARY": "True"}, "title": "x", "password": "secret",
        });

        let document = read(Resource::User, &body).unwrap();

        assert_eq!(
            Value::Object(document.clone()),
            json!({
                "userName": "a@example.org", "externalId": "42", "active": false,
                "name": {"givenName": "Anna", "familyName": "Berg"},
                "emails": [{"value": "a@example.org", "primary": true}],
            })
        );
        let user = User::of(&document).unwrap();
        assert_eq!((user.active, user.display_name.as_str()), (false, "Anna Berg"));
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let user = |member: Value| {
            let mut body = json!({"schemas": [Resource::User.schema()], "userName": "a"});
            body.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
            read(Resource::User, &body).map(|_| ())
        };

        for member in [
            json!({"active": "maybe"}),
            json!({"active": 1}),
            json!({"userName": ""}),
            json!({"userName": 7}),
            json!({"name": "Anna"}),
            json!({"emails": ["a@example.org"]}),
            json!({"externalId": "x".repeat(300)}),
        ] {
            assert_eq!(user(member.clone()).unwrap_err().kind, FaultKind::InvalidValue, "{member}");
        }
        assert_eq!(read(Resource::User, &json!({"userName": "a"})).unwrap_err().kind, FaultKind::InvalidSyntax);
        assert_eq!(read(Resource::User, &json!([])).unwrap_err().kind, FaultKind::InvalidSyntax);
    }

    #[test]
    fn answers_leave_out_what_is_not_wanted() {
        let body = json!({"schemas": [], "id": "1", "displayName": "a", "members": [1], "meta": {}});
        let shown = |only: &[&str], without: &[&str]| {
            let text = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let mut body = body.clone();
            project(&mut body, &text(only), &text(without));
            let mut names: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
            names.sort_unstable();
            names.join(" ")
        };

        assert_eq!(shown(&[], &["MEMBERS"]), "displayName id meta schemas");
        assert_eq!(shown(&["displayName"], &[]), "displayName id meta schemas");
        assert_eq!(shown(&["members.value"], &[]), "id members meta schemas");
        assert_eq!(shown(&[], &["id"]), "displayName id members meta schemas");
    }
}
