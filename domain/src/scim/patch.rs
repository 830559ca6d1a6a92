//! PATCH (RFC 7644 section 3.5.2): add, replace and remove, with and without a path.
//!
//! A patch is all or nothing: [`apply`] works on a copy and returns it only when every operation
//! stands. Directories write operations in capitals, truth as text, paths as member names
//! (`{"name.givenName":"Anna"}`), and take members away in two shapes; all of that is read.

use serde_json::{Map, Value};

use super::{
    Fault, FaultKind, OPERATIONS_MAX, PATCH, Resource,
    filter::{Filter, Path},
    schema::{self, Attribute, Kind, Place},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Add,
    Replace,
    Remove,
}

/// Applies a patch to a document that [`super::read`] made, and returns the new one.
///
/// # Errors
///
/// The first fault; the document is then as it was.
pub fn apply(resource: Resource, document: &Map<String, Value>, body: &Value) -> Result<Map<String, Value>, Fault> {
    let mut changed = document.clone();
    for operation in operations(body)? {
        let (act, path, value) = operation_of(operation)?;
        match path {
            Some(path) => at_path(resource, &mut changed, act, path, value)?,
            None => whole(resource, &mut changed, act, value)?,
        }
    }
    if let Some(missing) = resource.attributes().iter().find(|one| one.required && !changed.contains_key(one.name)) {
        return Err(Fault::new(FaultKind::InvalidValue, format!("{} cannot be taken away.", missing.name)));
    }

    Ok(changed)
}

fn operations(body: &Value) -> Result<&Vec<Value>, Fault> {
    let schemas = member(body, "schemas").and_then(Value::as_array);
    let named = schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema.as_str() == Some(PATCH)));
    let operations = member(body, "operations").and_then(Value::as_array);
    match operations {
        Some(operations) if named && (1..=OPERATIONS_MAX).contains(&operations.len()) => Ok(operations),
        _ => Err(Fault::new(
            FaultKind::InvalidSyntax,
            format!("A patch has the schema {PATCH} and 1 to {OPERATIONS_MAX} Operations."),
        )),
    }
}

fn operation_of(operation: &Value) -> Result<(Act, Option<&str>, Option<&Value>), Fault> {
    let syntax = |detail: &str| Fault::new(FaultKind::InvalidSyntax, detail);
    let word = member(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let act = match word.to_ascii_lowercase().as_str() {
        "add" => Act::Add,
        "replace" => Act::Replace,
        "remove" => Act::Remove,
        _ => return Err(syntax("op is add, replace or remove.")),
    };
    let path = match member(operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.as_str()),
        Some(_) => return Err(Fault::new(FaultKind::InvalidPath, "path is a text.")),
    };
    let value = member(operation, "value");
    match (act, path, value) {
        (Act::Remove, None, _) => Err(Fault::new(FaultKind::NoTarget, "A removal names its path.")),
        (Act::Add | Act::Replace, _, None) => Err(Fault::new(FaultKind::InvalidValue, "The operation has no value.")),
        _ => Ok((act, path, value)),
    }
}

/// An operation without a path: each member of the value is a path of its own.
fn whole(resource: Resource, document: &mut Map<String, Value>, act: Act, value: Option<&Value>) -> Result<(), Fault> {
    let members = value
        .and_then(Value::as_object)
        .ok_or_else(|| Fault::new(FaultKind::InvalidValue, "Without a path, the value is an object."))?;
    for (name, value) in members {
        // A directory may repeat the resource's own id beside what it changes, or bring an extension as a whole.
        let own = matches!(schema::place(resource, name), Place::Own);
        if own || name.to_ascii_lowercase().starts_with("urn:") && value.is_object() {
            continue;
        }
        at_path(resource, document, act, name, Some(value))?;
    }
    Ok(())
}

fn at_path(
    resource: Resource,
    document: &mut Map<String, Value>,
    act: Act,
    path: &str,
    value: Option<&Value>,
) -> Result<(), Fault> {
    let path = Path::parse(path, resource)?;
    if path.extension {
        return Ok(());
    }
    let unknown =
        || Fault::new(FaultKind::InvalidPath, format!("{} is no attribute of a {}.", path.name, resource.name()));
    let attribute = match schema::place(resource, &path.name) {
        Place::Kept(attribute) => attribute,
        Place::Unkept => return Ok(()),
        Place::Own => return Err(Fault::new(FaultKind::Mutability, format!("{} is set by the server.", path.name))),
        Place::Unknown => return Err(unknown()),
    };
    match (attribute.kind, attribute.several) {
        (Kind::Complex(members), true) => several(document, attribute, members, act, &path, value),
        (Kind::Complex(members), false) if path.filter.is_none() => match &path.member {
            None => complex(document, attribute, act, value),
            Some(name) => {
                let Some(member) = schema::find(members, name) else { return Ok(()) };
                let mut inner = match document.remove(attribute.name) {
                    Some(Value::Object(inner)) => inner,
                    _ => Map::new(),
                };
                let put = set(&mut inner, member, act, value);
                if !inner.is_empty() {
                    document.insert(attribute.name.to_owned(), Value::Object(inner));
                }
                put
            }
        },
        (_, false) if path.filter.is_none() && path.member.is_none() => set(document, attribute, act, value),
        _ => Err(Fault::new(FaultKind::InvalidPath, format!("{} has one value and no members.", attribute.name))),
    }
}

fn set(document: &mut Map<String, Value>, attribute: &Attribute, act: Act, value: Option<&Value>) -> Result<(), Fault> {
    match (act, value) {
        (Act::Remove, _) | (_, None) => {
            document.remove(attribute.name);
            Ok(())
        }
        (_, Some(value)) => schema::put(document, attribute, value),
    }
}

/// Members of a single complex value: those given are set, the others stay.
fn complex(
    document: &mut Map<String, Value>,
    attribute: &Attribute,
    act: Act,
    value: Option<&Value>,
) -> Result<(), Fault> {
    let given = match (act, value) {
        (Act::Remove, _) | (_, None) => None,
        (_, Some(value)) => schema::single(attribute, value)?,
    };
    match (given, document.get_mut(attribute.name)) {
        (Some(Value::Object(given)), Some(Value::Object(inner))) => inner.extend(given),
        (Some(given), _) => {
            document.insert(attribute.name.to_owned(), given);
        }
        (None, _) if act == Act::Remove => {
            document.remove(attribute.name);
        }
        (None, _) => {}
    }
    Ok(())
}

fn several(
    document: &mut Map<String, Value>,
    attribute: &Attribute,
    members: &[Attribute],
    act: Act,
    path: &Path,
    value: Option<&Value>,
) -> Result<(), Fault> {
    let mut items = match document.remove(attribute.name) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    match (&path.filter, &path.member) {
        (None, None) => whole_list(&mut items, attribute, act, value)?,
        (None, Some(name)) => {
            let Some(member) = schema::find(members, name) else { return keep(document, attribute, items) };
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                set(item, member, act, value)?;
            }
        }
        (Some(filter), name) => {
            let member = name.as_deref().map(|name| schema::find(members, name));
            if let Some(None) = member {
                return keep(document, attribute, items);
            }
            selected(&mut items, attribute, act, filter, member.flatten(), value)?;
        }
    }
    items.retain(|item| item.as_object().is_some_and(|members| !members.is_empty()));
    if act != Act::Remove {
        one_primary(&mut items);
    }
    keep(document, attribute, items)
}

fn keep(document: &mut Map<String, Value>, attribute: &Attribute, items: Vec<Value>) -> Result<(), Fault> {
    if !items.is_empty() {
        let checked = schema::values(attribute, &Value::Array(items))?;
        document.extend(checked.map(|items| (attribute.name.to_owned(), items)));
    }
    Ok(())
}

fn whole_list(items: &mut Vec<Value>, attribute: &Attribute, act: Act, value: Option<&Value>) -> Result<(), Fault> {
    let given = match value.map(|value| schema::values(attribute, value)).transpose()?.flatten() {
        Some(Value::Array(given)) => given,
        _ => Vec::new(),
    };
    match (act, value) {
        (Act::Add, _) => merge(items, given),
        (Act::Replace, _) => {
            items.clear();
            merge(items, given);
        }
        // Some directories name whom to take away in the value instead of in the path.
        (Act::Remove, Some(Value::Array(_) | Value::Object(_))) => {
            items.retain(|item| !given.iter().any(|gone| item.get("value") == gone.get("value")));
        }
        (Act::Remove, _) => items.clear(),
    }
    Ok(())
}

/// Adds what is not there yet; a value that is there gets the new members. A later primary one ends the earlier.
fn merge(items: &mut Vec<Value>, given: Vec<Value>) {
    for new in given {
        let same = items.iter_mut().find(|item| {
            item.get("value").is_some() && item.get("value") == new.get("value") && item.get("type") == new.get("type")
        });
        match (same, new) {
            (Some(Value::Object(members)), Value::Object(new)) => members.extend(new),
            (_, new) => items.push(new),
        }
    }
}

fn selected(
    items: &mut Vec<Value>,
    attribute: &Attribute,
    act: Act,
    filter: &Filter,
    member: Option<&Attribute>,
    value: Option<&Value>,
) -> Result<(), Fault> {
    let found = items.iter().any(|item| filter.fits(item));
    match (act, member, value) {
        (Act::Remove, None, _) => items.retain(|item| !filter.fits(item)),
        (Act::Remove, Some(member), _) => {
            for item in items.iter_mut().filter(|item| filter.fits(item)).filter_map(Value::as_object_mut) {
                item.remove(member.name);
            }
        }
        (Act::Replace, ..) if !found => {
            return Err(Fault::new(FaultKind::NoTarget, format!("No value of {} fits the filter.", attribute.name)));
        }
        (Act::Add, ..) if !found => {
            let mut new = Map::new();
            if let Kind::Complex(members) = attribute.kind {
                for term in &filter.0 {
                    if let Some(member) = schema::find(members, &term.name) {
                        schema::put(&mut new, member, &term.value)?;
                    }
                }
            }
            fill(&mut new, attribute, member, value)?;
            items.push(Value::Object(new));
        }
        _ => {
            for item in items.iter_mut().filter(|item| filter.fits(item)).filter_map(Value::as_object_mut) {
                fill(item, attribute, member, value)?;
            }
        }
    }
    Ok(())
}

fn fill(
    item: &mut Map<String, Value>,
    attribute: &Attribute,
    member: Option<&Attribute>,
    value: Option<&Value>,
) -> Result<(), Fault> {
    match (member, value) {
        (Some(member), Some(value)) => schema::put(item, member, value),
        (None, Some(value)) => {
            if let Some(Value::Object(given)) = schema::single(attribute, value)? {
                item.extend(given);
            }
            Ok(())
        }
        (_, None) => Ok(()),
    }
}

/// At most one value is primary: the last that says so.
fn one_primary(items: &mut [Value]) {
    let mut met = false;
    for item in items.iter_mut().rev().filter_map(Value::as_object_mut) {
        if item.get("primary") == Some(&Value::Bool(true)) {
            if met {
                item.remove("primary");
            }
            met = true;
        }
    }
}

fn member<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_is_patched_as_the_standard_says() {
        let user = user();
        for (operations, expected) in [
            (json!([{"op": "replace", "path": "active", "value": "False"}]), json!({"active": false})),
            (json!([{"op": "Replace", "value": {"active": false}}]), json!({"active": false})),
            (
                json!([{"op": "Add", "value": {"name.givenName": "Eva"}}]),
                json!({"name": {"givenName": "Eva", "familyName": "Berg"}}),
            ),
            (
                json!([{"op": "add", "path": "name", "value": {"givenName": "Eva"}}]),
                json!({"name": {"givenName": "Eva", "familyName": "Berg"}}),
            ),
            (
                json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "n"}]),
                json!({"emails": [{"type": "work", "value": "n", "primary": true}]}),
            ),
            (
                json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": "h"}]),
                json!({"emails": [{"type": "work", "value": "w", "primary": true}, {"type": "home", "value": "h"}]}),
            ),
            (
                json!([{"op": "add", "path": "emails", "value": [{"value": "h", "type": "home", "primary": true}]}]),
                json!({"emails": [{"type": "work", "value": "w"}, {"type": "home", "value": "h", "primary": true}]}),
            ),
            (json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]), json!({"emails": null})),
            (json!([{"op": "remove", "path": "name.givenName"}]), json!({"name": {"familyName": "Berg"}})),
            (
                json!([{"op": "replace", "value": {"id": "other", "title": "x", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "x"}}}]),
                json!({}),
            ),
            (
                json!([{"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"}]),
                json!({}),
            ),
        ] {
            let mut wanted = user.clone();
            for (name, value) in expected.as_object().unwrap() {
                match value {
                    Value::Null => wanted.remove(name),
                    value => wanted.insert(name.clone(), value.clone()),
                };
            }
            assert_eq!(patch(&user, operations.clone()).unwrap(), wanted, "{operations}");
        }
    }

    #[test]
    fn what_the_standard_refuses_is_refused_and_changes_nothing() {
        let user = user();
        for (operation, kind) in [
            (json!({"op": "copy", "path": "active", "value": true}), FaultKind::InvalidSyntax),
            (json!({"op": "remove"}), FaultKind::NoTarget),
            (json!({"op": "replace", "path": "active"}), FaultKind::InvalidValue),
            (json!({"op": "replace", "path": "active", "value": "no"}), FaultKind::InvalidValue),
            (json!({"op": "replace", "path": "id", "value": "x"}), FaultKind::Mutability),
            (json!({"op": "replace", "path": "groups", "value": []}), FaultKind::Mutability),
            (json!({"op": "replace", "path": "colour", "value": "x"}), FaultKind::InvalidPath),
            (json!({"op": "replace", "path": "userName.first", "value": "x"}), FaultKind::InvalidPath),
            (json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "x"}), FaultKind::NoTarget),
            (json!({"op": "remove", "path": "userName"}), FaultKind::InvalidValue),
            (json!({"op": "replace", "value": "x"}), FaultKind::InvalidValue),
            (json!({"op": "replace", "path": 7, "value": "x"}), FaultKind::InvalidPath),
        ] {
            let operations = json!([{"op": "replace", "path": "active", "value": false}, operation.clone()]);
            assert_eq!(patch(&user, operations).unwrap_err().kind, kind, "{operation}");
        }
        assert_eq!(
            apply(Resource::User, &user, &json!({"Operations": []})).unwrap_err().kind,
            FaultKind::InvalidSyntax
        );
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add(Vec<u8>),
        Replace(Vec<u8>),
        RemoveByPath(u8),
        RemoveByValue(Vec<u8>),
        RemoveAll,
        Rename(u8),
        RenameWithoutPath(u8),
    }

    proptest! {
        /// The rule of M1: whatever is sent in whatever dialect, members are the set that a model computes.
        #[test]
        fn a_patch_equals_a_model(steps in prop::collection::vec(step(), 1..12), capitals in any::<bool>()) {
            let mut members = BTreeSet::new();
            let mut name = "group".to_owned();
            let mut operations = Vec::new();
            for step in &steps {
                operations.push(written(step, capitals));
                match step {
                    Step::Add(ids) => members.extend(ids.iter().copied()),
                    Step::Replace(ids) => members = ids.iter().copied().collect(),
                    Step::RemoveByPath(id) => { members.remove(id); }
                    Step::RemoveByValue(ids) => members.retain(|member| !ids.contains(member)),
                    Step::RemoveAll => members.clear(),
                    Step::Rename(to) | Step::RenameWithoutPath(to) => name = format!("group {to}"),
                }
            }
            let start = super::super::read(Resource::Group, &json!({"schemas": [Resource::Group.schema()], "displayName": "group"})).unwrap();

            let at_once = apply(Resource::Group, &start, &json!({"schemas": [PATCH], "Operations": operations})).unwrap();
            let mut one_by_one = start;
            for operation in operations {
                one_by_one = apply(Resource::Group, &one_by_one, &json!({"schemas": [PATCH], "Operations": [operation]})).unwrap();
            }

            let group = super::super::Group::of(&at_once).unwrap();
            prop_assert_eq!(group.members, members.iter().map(|id| format!("u{id}")).collect::<Vec<_>>());
            prop_assert_eq!(group.display_name, name);
            prop_assert_eq!(at_once, one_by_one);
        }

        /// The rule of M1: addresses by type equal a map from type to address.
        #[test]
        fn addresses_by_type_equal_a_map(steps in prop::collection::vec((0u8..3, 0u8..3, 0u8..4), 1..12)) {
            let mut model: BTreeMap<String, String> = BTreeMap::new();
            let mut user = super::super::read(Resource::User, &json!({"schemas": [Resource::User.schema()], "userName": "a"})).unwrap();
            for (act, kind, address) in steps {
                let (kind, address) = (format!("t{kind}"), format!("a{address}"));
                let path = format!("emails[type eq \"{kind}\"].value");
                let (operation, stands) = match act {
                    0 => (json!({"op": "add", "path": path, "value": address}), true),
                    1 => (json!({"op": "replace", "path": path, "value": address}), model.contains_key(&kind)),
                    _ => (json!({"op": "remove", "path": format!("emails[type eq \"{kind}\"]")}), true),
                };
                match (act, stands) {
                    (0 | 1, true) => { model.insert(kind, address); }
                    (2, _) => { model.remove(&kind); }
                    _ => {}
                }
                match patch(&user, json!([operation])) {
                    Ok(changed) => { prop_assert!(stands); user = changed; }
                    Err(fault) => { prop_assert!(!stands); prop_assert_eq!(fault.kind, FaultKind::NoTarget); }
                }
                let emails: BTreeMap<String, String> = user.get("emails").and_then(Value::as_array).into_iter().flatten()
                    .map(|email| (email["type"].as_str().unwrap().to_owned(), email["value"].as_str().unwrap().to_owned())).collect();
                prop_assert_eq!(&emails, &model);
            }
        }

        #[test]
        fn whatever_operations_come_they_are_answered(path in "\\PC{0,20}", value in "\\PC{0,10}", act in "(add|replace|remove)") {
            let _ = patch(&user(), json!([{"op": act, "path": path, "value": value}]));
        }
    }

    fn step() -> impl Strategy<Value = Step> {
        let ids = || prop::collection::vec(0u8..6, 0..4);
        prop_oneof![
            ids().prop_map(Step::Add),
            ids().prop_map(Step::Replace),
            (0u8..6).prop_map(Step::RemoveByPath),
            prop::collection::vec(0u8..6, 1..4).prop_map(Step::RemoveByValue),
            Just(Step::RemoveAll),
            (0u8..3).prop_map(Step::Rename),
            (0u8..3).prop_map(Step::RenameWithoutPath),
        ]
    }

    fn written(step: &Step, capitals: bool) -> Value {
        let op =
            |word: &str| if capitals { format!("{}{}", word[..1].to_uppercase(), &word[1..]) } else { word.to_owned() };
        let list = |ids: &[u8]| ids.iter().map(|id| json!({"value": format!("u{id}")})).collect::<Vec<_>>();
        match step {
            Step::Add(ids) => json!({"op": op("add"), "path": "members", "value": list(ids)}),
            Step::Replace(ids) => json!({"op": op("replace"), "path": "members", "value": list(ids)}),
            Step::RemoveByPath(id) => json!({"op": op("remove"), "path": format!("members[value eq \"u{id}\"]")}),
            Step::RemoveByValue(ids) => json!({"op": op("remove"), "path": "members", "value": list(ids)}),
            Step::RemoveAll => json!({"op": op("remove"), "path": "members"}),
            Step::Rename(to) => json!({"op": op("replace"), "path": "displayName", "value": format!("group {to}")}),
            Step::RenameWithoutPath(to) => {
                json!({"op": op("replace"), "value": {"id": "x", "displayName": format!("group {to}")}})
            }
        }
    }

    fn user() -> Map<String, Value> {
        let body = json!({
            "schemas": [Resource::User.schema()], "userName": "a", "active": true,
            "name": {"givenName": "Anna", "familyName": "Berg"}, "emails": [{"type": "work", "value": "w", "primary": true}],
        });
        super::super::read(Resource::User, &body).unwrap()
    }

    fn patch(document: &Map<String, Value>, operations: Value) -> Result<Map<String, Value>, Fault> {
        apply(Resource::User, document, &json!({"schemas": [PATCH], "Operations": operations}))
    }
}
