//! Example values of the C2SP specifications.

use countersign_ledger::Error;
use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::cosign;
use countersign_ledger::note::{self, Note, Signature, Verifier};
use countersign_ledger::tile::{TileId, tiles_in_tree};
use countersign_ledger::witness::AddCheckpoint;

use crate::vectors;

#[test]
fn the_example_note_verifies_with_its_key() {
    let text = vectors::text("c2sp/signed-note.txt");
    let vkey = vectors::text("c2sp/signed-note.vkey.txt");
    let key: Verifier = vkey.trim_end().parse().unwrap();
    let note = Note::parse(&text).unwrap();

    let verified = note::verify(&note, std::slice::from_ref(&key)).unwrap();

    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0].name, "example.com/foo");
    assert_eq!(note.to_string(), text);
    assert_eq!(key.to_string(), vkey.trim_end());
}

#[test]
fn the_tile_layout_of_the_specification_is_ours() {
    let layout = vectors::json("c2sp/tile-layout.json");
    for path in layout["paths"].as_array().unwrap() {
        let id = TileId { level: 0, n: path["index"].as_u64().unwrap(), width: 256 };
        let expected = format!("tile/0/{}", path["path"].as_str().unwrap());

        assert_eq!(id.path(), expected);
        assert_eq!(TileId::parse(&expected), Ok(id));
    }
    for tree in layout["trees"].as_array().unwrap() {
        let tiles: Vec<_> = tiles_in_tree(tree["size"].as_u64().unwrap()).collect();
        let mut count = 0;
        for level in tree["tiles"].as_array().unwrap() {
            let of_level: Vec<_> = tiles.iter().filter(|tile| u64::from(tile.level) == level["level"]).collect();
            let (full, partial): (Vec<&TileId>, Vec<&TileId>) =
                of_level.iter().copied().partition(|tile| tile.width == 256);
            count += of_level.len();

            assert_eq!(full.len() as u64, level["full"]);
            assert_eq!(partial.iter().map(|tile| u64::from(tile.width)).sum::<u64>(), level["partialWidth"]);
        }
        assert_eq!(tiles.len(), count);
    }
}

#[test]
fn examples_without_published_keys_parse_and_print_unchanged() {
    let read = |name: &str| vectors::text(&format!("c2sp/parse-only/{name}"));
    for name in ["checkpoint.txt", "cosigned-checkpoint.txt"] {
        let note = Note::parse(&read(name)).unwrap();

        assert_eq!(note.to_string(), read(name));
        assert_eq!(Checkpoint::parse(&note.text).unwrap().to_text(), note.text);
    }
    assert_eq!(Note::parse(&read("signed-note-poem.txt")).unwrap().to_string(), read("signed-note-poem.txt"));
    let request = read("add-checkpoint-request.txt");
    assert_eq!(AddCheckpoint::parse(&request).unwrap().to_string(), request);
    let answer = read("add-checkpoint-response.txt");
    let lines = Signature::parse_lines(&answer).unwrap();
    assert_eq!(lines.iter().map(|line| format!("{line}\n")).collect::<String>(), answer);
}

#[test]
fn examples_without_published_keys_fail_closed_when_verified() {
    let unknown: Verifier = vectors::text("c2sp/signed-note.vkey.txt").trim_end().parse().unwrap();
    for name in ["checkpoint.txt", "cosigned-checkpoint.txt", "signed-note-poem.txt"] {
        let note = Note::parse(&vectors::text(&format!("c2sp/parse-only/{name}"))).unwrap();

        assert!(matches!(note::verify(&note, std::slice::from_ref(&unknown)), Err(Error::Unsigned { .. })));
        assert!(matches!(note::verify(&note, &[]), Err(Error::Unsigned { .. })));
    }
}

#[test]
fn the_cosigned_message_is_the_one_of_the_specification() {
    let note = Note::parse(&vectors::text("c2sp/parse-only/cosigned-checkpoint.txt")).unwrap();

    assert_eq!(cosign::message(1_679_315_147, &note.text), vectors::text("c2sp/parse-only/cosigned-message.txt"));
}
