"""What the name of a column says about its cells.

A name is taken apart into words (``homePhone2`` is *home*, *phone*, *2*), and the words are looked up. A name that
only speaks *about* such data (``email_verified``, ``phone_type``) says nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

DIRECT_IDENTIFIERS = frozenset(
    {"email", "phone", "person_name", "national_id", "card", "iban", "street_address", "ip_address", "username"}
)

# One word or several that follow each other; each name means the kind wherever the words stand in it.
_PHRASES: dict[str, str] = {
    "email": "email,e mail,mail address,courriel,correo,emailaddress,emailadresse",
    "phone": "phone,mobile,telephone,tel,msisdn,cell phone,cellphone,fax,telefon,handy,telefono,phonenumber,landline",
    "person_name": (
        "full name,first name,last name,given name,family name,middle name,maiden name,birth name,legal name,"
        "fullname,firstname,lastname,givenname,familyname,surname,forename,vorname,nachname,prenom,apellido,apellidos,"
        "cardholder name,cardholder"
    ),
    "national_id": (
        "ssn,social security,socialsecurity,sin number,national id,nationalid,national insurance,nino,passport,"
        "tax id,taxid,tin,itin,nhs number,driver license,drivers license,driving licence,dni,nif,curp,cpf,steuer id,"
        "personnummer,aadhaar,medicare"
    ),
    "card": "card number,cardnumber,credit card,creditcard,debit card,pan,cc number,card no",
    "iban": "iban,bank account,account number,accountnumber,sort code,routing number",
    "street_address": (
        "street,address,address line,addr,strasse,adresse,direccion,street address,home address,billing address,"
        "shipping address,delivery address"
    ),
    "ip_address": "ip,ip address,ipaddress,ipv4,ipv6,mac address",
    "username": "username,user name,login,login name,screen name,nickname,twitter,handle",
    "birth_date": "birth date,birthdate,date of birth,dob,birthday,geburtsdatum,born on,born at",
    "postcode": "postcode,postal code,postalcode,zip,zip code,zipcode,plz,code postal",
    "gender": "gender,sex,geschlecht",
    "income": "income,salary,wage,wages,earnings,gehalt",
    "free_text": "note,notes,comment,comments,remark,remarks,message,description,bio,feedback,gift note,text,body",
}
_KINDS = {tuple(phrase.split()): kind for kind, phrases in _PHRASES.items() for phrase in phrases.split(",")}
_LONGEST = max(map(len, _KINDS))

# "name" alone, or after one of these, is a person's.
_PEOPLE_WORDS = (
    "customer person patient employee contact client user member holder owner recipient sender buyer seller guest "
    "student teacher doctor applicant tenant beneficiary spouse parent child mother father author reviewer"
)
# A name that ends so speaks about the data, and is not the data.
_ABOUT_WORDS = (
    "verified verification valid type kind count flag status consent opt optin optout preference enabled is has "
    "domain provider format length version source hash at on date"
)
PEOPLE = frozenset(_PEOPLE_WORDS.split())
_ABOUT = frozenset(_ABOUT_WORDS.split())
# Words after which "address" and "ip" are not a place where somebody lives.
_ADDRESS_KINDS = frozenset({"ip", "mac", "email", "mail", "web"})
# A part of an address that many people share.
_ADDRESS_PARTS = frozenset(
    ["city", "town", "country", "state", "region", "province", "county", "district", "ort", "stadt", "land"]
)


@lru_cache(maxsize=4096)
def kinds_of_name(name: str) -> frozenset[str]:
    """Return what a column of this name probably holds; empty if the name says nothing.

    Example:
        >>> sorted(kinds_of_name("Customer.EmailAddress"))
        ['email']
        >>> sorted(kinds_of_name("email_verified"))
        []
    """
    words = _words(name)
    if not words:
        return frozenset()
    kinds = set()
    for start in range(len(words)):
        for length in range(1, _LONGEST + 1):
            kind = _KINDS.get(tuple(words[start : start + length]))
            if kind is not None and start + length <= len(words):
                kinds.add(kind)
    if words == ["name"] or (len(words) > 1 and words[-1] == "name" and words[-2] in PEOPLE - {"user"}):
        kinds.add("person_name")
    if "street_address" in kinds and (_ADDRESS_KINDS & set(words) or words[-1] in _ADDRESS_PARTS):
        kinds.discard("street_address")
    if words[-1] in _ABOUT and "birth_date" not in kinds:
        return frozenset()
    return frozenset(kinds)


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode() or name
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", plain)
    words = re.findall(r"[a-z]+|[0-9]+", spaced.lower())
    return [word for word in words if not word.isdigit()]
