"""The rooms of the demo: what is talked about there, by whom, how much and at what hours."""

from __future__ import annotations

from dataclasses import dataclass

SCHOOL, OFFICE, EVENING, ALWAYS = "school", "office", "evening", "always"


@dataclass(frozen=True, slots=True)
class Room:
    """A group, or the general room, as it is set up; `unread` is how far the demo account is behind.

    `size` is its number of messages at scale 1; `born` how many days ago it was made; `renamed_from` its first title;
    `leaves` how many of its people went away again; `hands_over` whether its first owner did.
    """

    title: str
    owner: str
    circle: str
    topics: str
    languages: str
    rhythm: str
    size: int
    unread: int = 0
    born: int = 89
    renamed_from: str = ""
    leaves: int = 0
    hands_over: bool = False


GENERAL = Room("", "", "", "general chat", "fr en", ALWAYS, 900, unread=12)
GROUPS = (
    Room("4e B – la classe", "camille", "class", "class chat", "fr", SCHOOL, 640, unread=27, leaves=1),
    Room("Release planning", "giulia.conti", "office", "release chat", "en", OFFICE, 560, renamed_from="Release 2"),
    Room(
        "Parents d'élèves : conseil d'école", "claire.dupont", "parents", "parents chat", "fr", EVENING, 400, leaves=1
    ),
    Room(
        "Football U15: matches & lifts", "benoit.girard", "football", "football chat", "en fr", EVENING, 400, unread=150
    ),
    Room("Chorale du jeudi 🎶", "helene-dv", "choir", "choir chat", "fr", EVENING, 290, hands_over=True),
    Room("Imprimantes & informatique", "v.marchand", "support", "support chat", "fr en", OFFICE, 290, unread=3),
    Room("Salle des profs", "demo", "staff", "teachers chat", "fr", SCHOOL, 340),
    Room("Science club", "ngozi.okafor", "science", "science chat", "en", SCHOOL, 250),
    Room("Bake sale committee 🧁", "sofia.almeida", "bake", "bake chat", "en", EVENING, 240, leaves=1),
    Room(
        "Organisation de la fête de fin d'année, de la kermesse, du vide-grenier et de la grande tombola",
        "isabelle.roy", "party", "party chat", "fr", EVENING, 230, born=60, renamed_from="Fête de fin d'année",
    ),
    Room(
        "Everything about the move to the new building: keys, boxes, plants, and who carries the piano",
        "sofia.almeida", "move", "move chat", "en", OFFICE, 200, born=45,
    ),
    Room("نادي القراءة العربية", "m.haddad", "arabic", "arabic", "ar fr", EVENING, 130),
    Room(
        "Café des langues · 日本語 · עברית", "k.yamamoto", "languages", "languages", "en fr ja zh he ar", EVENING, 170
    ),
    Room("Notes to self", "demo", "", "notes", "en fr", ALWAYS, 18),
    Room("Sortie ski 2027 ⛷️", "abdou.diop", "football", "", "fr", EVENING, 0, born=3),
)  # fmt: skip

# Who writes to whom alone: two people, the number of messages, and how many of the last the first has not read.
DIRECT = """
demo camille 75 0; demo ngozi.okafor 60 2; demo sofia.almeida 70 0; demo giulia.conti 50 1; demo tariq.m 35 0
demo claire.dupont 40 0; demo m.haddad 26 0; demo ewan.clarke 28 5; demo yael.cohen 0 0
camille benoit.girard 50 1; camille lea.martin 20 0; camille helene-dv 36 3; lea.martin jade.rousseau 75 0
noah_b yanis93 70 4; chloe.d claire.dupont 30 0; jakub.w oscar-lind 50 0; ananya priya.sharma 30 1
hugo.petit mamadou.s 50 0; giulia.conti kwame 40 0; nadia.k bruno.rousseau 28 2; s.benali youssef.h 36 0
isabelle.roy aminata.sow 34 0; elif.kaya zoe.k 44 6; siobhan olga-s 28 0; v.marchand p.lambert 34 1
"""
