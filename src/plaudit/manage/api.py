"""The JSON API: a table of operations. Routes, what they take and give, roles and the OpenAPI document all come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from plaudit.manage import (
    audiences,
    configuring,
    deciding,
    defining,
    destinations,
    engaging,
    events,
    invitations,
    people,
    preview,
    privacy,
    profiles,
    sources,
    stats,
    undoing,
)
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Nothing, OfId, OfName
from plaudit.store.access import Role, Who

Run = Callable[[Context, Who, Any], Awaitable[Any]]
VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN


class Operation(NamedTuple):
    """`gives` None: nothing, with 204. The fields of `takes` that the path names come from it; the others from the
    query of a GET or DELETE, else from the body. `looks`: it changes nothing, so that doing it twice does not matter.
    """

    method: str
    path: str
    role: Role
    run: Run
    takes: type[Given]
    gives: Any
    summary: str
    created: bool = False
    looks: bool = False

    @property
    def name(self) -> str:
        module = self.run.__module__.rpartition(".")[2]
        return f"{module}_{self.run.__name__}"


OPERATIONS = (
    Operation("GET", "/api/me", VIEWER, people.me, Nothing, people.Me, "Who asks"),
    Operation(
        *("GET", "/api/overview", VIEWER, stats.overview, stats.Overviewed, stats.Overview),
        "What came in, what became of it, and what waits for a person",
    ),
    Operation(
        *("GET", "/api/invitations", VIEWER, invitations.find, invitations.FindInvitations),
        *(invitations.Invitations, "Invitations, the newest first"),
    ),
    Operation(
        *("POST", "/api/invitations/find", VIEWER, invitations.search, invitations.SearchInvitations),
        *(invitations.Invitations, "The same, also by a customer's e-mail address"),
        looks=True,
    ),
    Operation(
        *("POST", "/api/invitations/decide", OPERATOR, deciding.decide, deciding.Decide),
        *(
            deciding.DecisionDone,
            "Retry, cancel or resolve invitations, one or many; with dry_run only count",
        ),
    ),
    Operation(
        *("GET", "/api/decisions/{id}", OPERATOR, undoing.one, OfId, undoing.DecisionView),
        "One decision, and what undoing it would come to",
    ),
    Operation(
        *("POST", "/api/decisions/{id}/undo", OPERATOR, undoing.undo, undoing.Undo, undoing.UndoDone),
        "Undo a decision, of those to which nothing has happened since; with dry_run only count",
    ),
    Operation(
        *("GET", "/api/invitations/{id}", VIEWER, invitations.story, OfId, invitations.Story),
        "One order's whole story",
    ),
    Operation(
        *("POST", "/api/invitations/{id}/reveal", OPERATOR, invitations.reveal, OfId, invitations.Revealed),
        "Of whom an invitation is, and its requests; recorded",
        looks=True,
    ),
    Operation(
        *("GET", "/api/events", VIEWER, events.find, events.FindEvents, events.Events),
        "Events with what became of each, the newest first",
    ),
    Operation("GET", "/api/events/{id}", VIEWER, events.one, OfId, events.EventDetail, "One event, masked"),
    Operation(
        *("POST", "/api/events/{id}/reveal", OPERATOR, events.reveal, OfId, events.RawEvent),
        "An event as it came; recorded",
        looks=True,
    ),
    Operation("GET", "/api/sources", VIEWER, sources.find, Nothing, sources.Sources, "Sources"),
    Operation(
        *("POST", "/api/sources", ADMIN, sources.add, OfName, sources.WriteKey),
        *("A new source, with its write key", True),
    ),
    Operation("DELETE", "/api/sources/{name}", ADMIN, sources.remove, OfName, None, "Take a source out"),
    Operation(
        *("POST", "/api/sources/{name}/reveal", ADMIN, sources.reveal, OfName, sources.WriteKey),
        "A write key; recorded",
        looks=True,
    ),
    Operation(
        *("POST", "/api/sources/{name}/rotate", ADMIN, sources.rotate, OfName, sources.WriteKey),
        "A new write key in place of the old one",
    ),
    Operation(
        *("POST", "/api/sources/{name}/check", OPERATOR, sources.check, sources.TryEvent, sources.Findings),
        "What an event would cause; nothing is sent",
        looks=True,
    ),
    Operation(
        *("POST", "/api/sources/{name}/events", OPERATOR, sources.send, sources.TryEvent, sources.Sent),
        *("Send an event for real, as if it came from the source", True),
    ),
    Operation(
        *("GET", "/api/catalog", VIEWER, destinations.catalog, Nothing, destinations.Catalog),
        "What kinds of destinations there are, with their settings",
    ),
    Operation(
        *("GET", "/api/destinations", VIEWER, destinations.find, Nothing, destinations.Destinations),
        "Destinations, with secrets masked",
    ),
    Operation(
        *("GET", "/api/destinations/{name}", VIEWER, destinations.one, OfName, destinations.DestinationView),
        "One destination",
    ),
    Operation(
        *("PUT", "/api/destinations/{name}", ADMIN, destinations.put, destinations.PutDestination),
        *(destinations.DestinationView, "Make a destination, or change all of its settings"),
    ),
    Operation(
        *("DELETE", "/api/destinations/{name}", ADMIN, destinations.remove, OfName, None),
        "Take a destination out; its ledger stays",
    ),
    Operation(
        *("POST", "/api/destinations/{name}/pause", OPERATOR, destinations.pause, destinations.PauseGiven),
        *(destinations.DestinationView, "Send nothing there until it is resumed"),
    ),
    Operation(
        *("POST", "/api/destinations/{name}/resume", OPERATOR, destinations.resume, OfName),
        *(destinations.DestinationView, "End a pause, whatever it was for"),
    ),
    Operation(
        *("POST", "/api/destinations/{name}/test", OPERATOR, destinations.test, OfName, destinations.Tested),
        "Ask the vendor whether the settings work, with no effect",
        looks=True,
    ),
    Operation(
        *("GET", "/api/configuration", ADMIN, configuring.export, configuring.Export, configuring.Exported),
        "The configuration as a TOML file; with secrets it is recorded",
    ),
    Operation(
        *("POST", "/api/configuration/validate", ADMIN, configuring.validate, configuring.Toml),
        *(configuring.Checked, "What a TOML file has, or everything that is wrong with it"),
        looks=True,
    ),
    Operation(
        *("PUT", "/api/configuration", ADMIN, configuring.apply, configuring.Toml, configuring.Checked),
        "Put a TOML file in place of the whole configuration",
    ),
    Operation(
        *("GET", "/api/audiences", VIEWER, engaging.find, Nothing, engaging.Definitions),
        "Audiences and computed traits, with their sizes and syncs",
    ),
    Operation(
        *("POST", "/api/audiences/preview", ADMIN, engaging.estimate, engaging.Try, preview.Estimate),
        "How many a query would match",
        looks=True,
    ),
    Operation(
        *("GET", "/api/audiences/{name}", VIEWER, engaging.one, OfName, audiences.Listed),
        "One audience or trait",
    ),
    Operation(
        *("PUT", "/api/audiences/{name}", ADMIN, engaging.put, defining.PutDefinition, audiences.Listed),
        "Make an audience or trait, or change it",
    ),
    Operation(
        *("DELETE", "/api/audiences/{name}", ADMIN, engaging.remove, engaging.Remove, None),
        "Take an audience or trait out; what destinations were told stays",
    ),
    Operation(
        *("GET", "/api/audiences/{name}/members", VIEWER, engaging.members, engaging.FindMembers),
        *(engaging.Members, "Who is in, by profile, masked"),
    ),
    Operation(
        *("POST", "/api/audiences/{name}/explain", OPERATOR, engaging.explain, engaging.Ask),
        *(engaging.Explanation, "Why a person is in, or is not"),
        looks=True,
    ),
    Operation(
        *("POST", "/api/audiences/{name}/leave", ADMIN, engaging.leave, engaging.Leave, engaging.Left),
        "Tell destinations that all members of a disabled audience have left; with dry_run only count",
    ),
    Operation(
        *("GET", "/api/profiles/{id}", VIEWER, engaging.profile, OfId, profiles.Known),
        "What is known of a person, masked",
    ),
    Operation(
        *("POST", "/api/profiles/find", OPERATOR, engaging.person, engaging.Find, profiles.Known),
        "All that is known of a person; recorded",
        looks=True,
    ),
    Operation("GET", "/api/people", ADMIN, people.find, Nothing, people.People, "People and their roles"),
    Operation(
        *("POST", "/api/people", ADMIN, people.add, people.AddPerson, people.PersonView),
        *("A new person", True),
    ),
    Operation(
        *("PATCH", "/api/people/{id}", ADMIN, people.change, people.ChangePerson, people.PersonView),
        "Another role or password",
    ),
    Operation("DELETE", "/api/people/{id}", ADMIN, people.remove, OfId, None, "Remove a person"),
    Operation(
        *("POST", "/api/me/password", VIEWER, people.change_password, people.ChangePassword, None),
        "One's own new password; it signs out everywhere",
    ),
    Operation("GET", "/api/tokens", ADMIN, people.tokens, Nothing, people.Tokens, "Tokens of programs"),
    Operation(
        *("POST", "/api/tokens", ADMIN, people.add_token, people.AddToken, people.NewToken),
        *("A new token; it is shown this once", True),
    ),
    Operation("DELETE", "/api/tokens/{id}", ADMIN, people.remove_token, OfId, None, "Remove a token"),
    Operation(
        *("GET", "/api/audit", ADMIN, people.audit, people.FindAudit, people.Audit),
        "Who did what, the newest first",
    ),
    Operation(
        *("POST", "/api/forget", ADMIN, privacy.forget, privacy.Forget, privacy.ForgetDone),
        "Forget a person for good, here and at the vendors; with dry_run only count",
    ),
    Operation(
        *("POST", "/api/forget/allow", ADMIN, privacy.allow, privacy.Allow, privacy.Allowed),
        "The way back: take a person's later events as anybody's again",
    ),
)
