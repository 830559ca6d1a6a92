//! Icons: decorative, always beside a word.
//!
//! Paths from Lucide (<https://lucide.dev>). ISC License, Copyright (c) Lucide Contributors; portions
//! from Feather (MIT), Copyright (c) 2013-2026 Cole Bemis. Permission to use, copy, modify, and/or
//! distribute this software for any purpose with or without fee is hereby granted, provided that the
//! above copyright notice and this permission notice appear in all copies. The software is provided
//! "as is" and the author disclaims all warranties with regard to this software.

use leptos::prelude::*;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A tick in a ring: the product's mark.
    Seal,
    /// A tray.
    Inbox,
    /// Two links of a chain.
    Chain,
    /// Two people.
    People,
    /// One person.
    Person,
    /// A machine with a face.
    Robot,
    /// A shield with a tick.
    Check,
    /// A tick.
    Tick,
    /// A cross.
    Cross,
    /// A clock.
    Clock,
    /// A warning triangle.
    Alert,
    /// The letter i in a ring.
    Info,
    /// Two bars in a ring.
    Pause,
    /// An arrow into a tray.
    Download,
    /// An ordered list of rows.
    Rows,
    /// Two sheets.
    Copy,
    /// An arrow to the left.
    Back,
    /// An arrow head to the right.
    Forward,
    /// A pencil.
    Pencil,
    /// An arrow that turns back.
    Reply,
    /// An arrow up and to the right.
    Up,
    /// A bar.
    Minus,
    /// A cross of two bars.
    Plus,
    /// Three dots.
    More,
}

const RING: &str = "M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20z";

impl Shape {
    const fn paths(self) -> &'static [&'static str] {
        match self {
            Shape::Seal => &[RING, "m8 12.5 2.8 2.8L16.5 9"],
            Shape::Inbox => &[
                "M22 12h-6l-2 3h-4l-2-3H2",
                "M5.45 5.11 2 12v6a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-6l-3.45-6.89A2 2 0 0 0 16.76 4H7.24a2 2 0 0 0-1.79 1.11z",
            ],
            Shape::Chain => &[
                "M10 13a5 5 0 0 0 7.54.54l3-3a5 5 0 0 0-7.07-7.07l-1.72 1.71",
                "M14 11a5 5 0 0 0-7.54-.54l-3 3a5 5 0 0 0 7.07 7.07l1.71-1.71",
            ],
            Shape::People => &[
                "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2",
                "M9 3a4 4 0 1 0 0 8 4 4 0 1 0 0-8z",
                "M22 21v-2a4 4 0 0 0-3-3.87",
                "M16 3.13a4 4 0 0 1 0 7.75",
            ],
            Shape::Person => &["M19 21v-2a4 4 0 0 0-4-4H9a4 4 0 0 0-4 4v2", "M12 3a4 4 0 1 0 0 8 4 4 0 1 0 0-8z"],
            Shape::Robot => &[
                "M12 8V4H8",
                "M6 8h12a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2z",
                "M2 14h2",
                "M20 14h2",
                "M15 13v2",
                "M9 13v2",
            ],
            Shape::Check => &[
                "M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z",
                "m9 12 2 2 4-4",
            ],
            Shape::Tick => &["M20 6 9 17l-5-5"],
            Shape::Cross => &["M18 6 6 18", "m6 6 12 12"],
            Shape::Clock => &[RING, "M12 6v6l4 2"],
            Shape::Alert => {
                &["m21.73 18-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3", "M12 9v4", "M12 17h.01"]
            }
            Shape::Info => &[RING, "M12 16v-4", "M12 8h.01"],
            Shape::Pause => &[RING, "M10 15V9", "M14 15V9"],
            Shape::Download => &["M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4", "m7 10 5 5 5-5", "M12 15V3"],
            Shape::Rows => &["M3 5h.01", "M3 12h.01", "M3 19h.01", "M8 5h13", "M8 12h13", "M8 19h13"],
            Shape::Copy => &[
                "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H10a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2z",
                "M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2",
            ],
            Shape::Back => &["m12 19-7-7 7-7", "M19 12H5"],
            Shape::Forward => &["m9 18 6-6-6-6"],
            Shape::Pencil => &["M17 3a2.8 2.8 0 0 1 4 4L7.5 20.5 2 22l1.5-5.5z", "m15 5 4 4"],
            Shape::Reply => &["m9 14-5-5 5-5", "M4 9h10.5a5.5 5.5 0 0 1 0 11H11"],
            Shape::Up => &["M7 17 17 7", "M7 7h10v10"],
            Shape::Minus => &["M5 12h14"],
            Shape::Plus => &["M5 12h14", "M12 5v14"],
            Shape::More => &["M5 12h.01", "M12 12h.01", "M19 12h.01"],
        }
    }
}

/// One icon, as large and as coloured as its class says.
#[component]
pub(crate) fn Icon(shape: Shape, class: &'static str) -> impl IntoView {
    view! {
        <svg
            class=class
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            {shape.paths().iter().map(|path| view! { <path d=*path/> }).collect_view()}
        </svg>
    }
}
