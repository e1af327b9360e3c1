"""Columns that look like protected attributes by their names, in five languages: a proposal, never a decision."""

from __future__ import annotations

import itertools
import re
import unicodedata

from arrears.contracts.tables.descriptions import DatasetDescription

# In English, German, French, Spanish and Russian, in small letters without accents.
_WORDS = {
    "sex": "sex gender female male geschlecht weiblich maennlich mannlich sexe genre sexo genero пол женщина мужчина",
    "age": "age ages alter geburtsdatum geburtstag geburtsjahr birth birthdate birthday birthyear dob edad nacimiento"
    " naissance возраст рождения",
    "nationality": "nationality citizenship citizen foreign foreigner nationalitat nationalitaet auslander auslaender"
    " staatsangehorigkeit staatsangehoerigkeit staatsburgerschaft staatsbuergerschaft nationalite citoyennete etranger"
    " nacionalidad ciudadania extranjero гражданство национальность иностранец",
    "race": "race ethnicity ethnic ethnie ethnizitat rasse raza etnia раса этничность",  # noqa: RUF001  # Russian
    "religion": "religion religious konfession confession kirchensteuer религия вероисповедание",
    "marital status": "marital married marriage maritalstatus familienstand zivilstand verheiratet marie mariee casado"
    " casada etatcivil estadocivil civilstatus familystatus personalstatus situationfamiliale семейноеположение"
    " женат замужем",
}
# An age of these is none of a person.
_THINGS = frozenset(("loan", "account", "acct", "credit", "car", "vehicle", "file", "contract", "property", "kredit"))
_PARTS = re.compile(r"[^\W\d_]+")
_HUMPS = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")


def protected_attribute(column: str) -> str | None:
    """The protected attribute that a column's name speaks of, or None.

    >>> protected_attribute("CODE_GENDER"), protected_attribute("Familienstand"), protected_attribute("état civil")
    ('sex', 'marital status', 'marital status')
    >>> protected_attribute("loan_age"), protected_attribute("percentage")
    (None, None)
    """
    parts = _PARTS.findall(_plain(_HUMPS.sub(" ", column)))
    pairs = [one + other for one, other in itertools.pairwise(parts)]
    found = next((_ATTRIBUTES[word] for word in (*pairs, *parts) if word in _ATTRIBUTES), None)
    return None if found == "age" and _THINGS.intersection(parts) else found


def protected_notes(description: DatasetDescription) -> list[str]:
    """A proposal for each feature that looks protected. None where the description declares any protected column."""
    if description.protected:
        return []
    found = {name: protected_attribute(name) for name in description.features}
    return [
        f"column {name} looks like a protected attribute ({attribute}): declare it protected, then no model sees it"
        for name, attribute in found.items()
        if attribute is not None
    ]


def _plain(text: str) -> str:
    # й and ё are letters of their own, but nobody writes them alike everywhere.
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


# Read as the columns' names are.
_ATTRIBUTES = {_plain(word): attribute for attribute, words in _WORDS.items() for word in words.split()}
