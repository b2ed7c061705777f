"""The words by which names of columns tell what is in them, in the languages that most are written in.

Words of Latin script stand here in small letters, without accents, in the singular.
"""

from __future__ import annotations

# One word or several that follow each other; each name means the kind wherever the words stand in it.
ANYWHERE: dict[str, str] = {
    "email": "email,e mail,mail address,mail adress,mail id,courriel,correo electronico,correo,epost,e post,sahkoposti",
    "phone": (
        "phone,telephone,msisdn,cell phone,cell no,cell num,cell number,mobile phone,mobile no,mobile num,"
        "mobile number,mobile tel,contact number,contact no,fax,telefon,telefono,telefone,telefoon,tel,handy,"
        "celular,movil,cellulare,landline,festnetz,whatsapp,puhelin,telemovel"
    ),
    "person_name": (
        "full name,first name,last name,given name,family name,middle name,maiden name,birth name,legal name,"
        "display name,real name,preferred name,name first,name last,name full,firstname,lastname,fullname,surname,"
        "forename,fname,lname,mname,first nm,last nm,cardholder,account holder,accountholder,kontoinhaber,"
        "karteninhaber,vorname,nachname,familienname,geburtsname,vollname,prenom,nom de famille,nom famille,"
        "nom usage,nom naissance,nom complet,nombre completo,apellido,apellidos,cognome,sobrenome,nome completo,"
        "voornaam,achternaam,nazwisko,imie,fornamn,efternamn,fornavn,etternavn,efternavn,sukunimi,etunimi,spouse,"
        "next of kin,emergency contact"
    ),
    "national_id": (
        "ssn,social security,socialsecurity,soc sec,sin number,national id,nationalid,national identity,"
        "national insurance,nino,ni number,nin,passport,passeport,pasaporte,passaporto,paspoort,paszport,reisepass,"
        "ausweis,personalausweis,tax id,taxid,tax number,tax identification,tax file number,tax payer,taxpayer,tin,"
        "itin,steuer id,steuer nummer,nhs number,nhs no,driver license,drivers license,driver licence,"
        "drivers licence,driving licence,driving license,dni,nif,curp,cpf,codice fiscale,fiscal code,bsn,pesel,"
        "personnummer,fodselsnummer,aadhaar,aadhar,medicare,medicaid,mrn,medical record,health card,"
        "health insurance number,identity number,identity card,id card,idcard,citizen id,citizenship number,cnp,"
        "insee,securite sociale,seguridad social,emso,oib,egn,nric,cuit,cuil,cedula,tckn,voter id,dl number,dl no,"
        "residence permit,green card,alien number,ahv,svnr,kvnr,hicn,mbi,emirates id,iqama"
    ),
    "card": (
        "card number,card num,card no,cardnumber,cardnum,cardno,credit card,creditcard,debit card,debitcard,"
        "payment card,bank card,pan,cc number,cc num,cc no,ccn,ccnum,ccnumber,kreditkarte,carte bancaire,"
        "carte bleue,numero carte,numero de carte,tarjeta,carta di credito,cartao"
    ),
    "iban": (
        "iban,bank account,bank acct,bankaccount,account number,account num,account no,accountnumber,acct number,"
        "acct num,acct no,acctno,sort code,routing number,routing no,bankverbindung,numero cuenta,numero de cuenta,"
        "cuenta bancaria,compte bancaire,numero compte,numero de compte,conto corrente,numer konta,bban,clabe"
    ),
    "street_address": (
        "street,address,adress,address line,addr,strasse,adresse,direccion,anschrift,wohnadresse,indirizzo,"
        "endereco,adres,domicilio,ulica,po box,pobox"
    ),
    "ip_address": (
        "ip,ip address,ipaddress,ipaddr,ipv,mac address,macaddress,mac addr,macaddr,forwarded for,remote addr"
    ),
    "username": (
        "username,user name,uname,user login,login name,login id,loginname,screen name,screenname,nickname,"
        "nick name,samaccountname,benutzername,usuario,utilisateur,gebruikersnaam"
    ),
    "birth_date": "birth date,birthdate,date of birth,dob,birthday,geburtsdatum,born on,born at,date naissance",
    "postcode": "postcode,postal code,postalcode,zip,zip code,zipcode,plz,code postal",
    "gender": "gender,sex,geschlecht",
    "income": "income,salary,wage,wages,earnings,gehalt",
    "free_text": "note,notes,comment,comments,remark,remarks,message,description,bio,feedback,gift note,text,body",
}
# Words that say something else before others: "mobile_app", "mail_server". They count at the end of a name.
AT_END: dict[str, str] = {
    "email": "mail",
    "phone": "mobile,mobil",
    "ip_address": "mac",
    "username": "login,handle,logon",
}
# And these are words of other languages, or short: they count alone.
ALONE: dict[str, str] = {
    "phone": "cell",
    "person_name": "name,nom,nombre,nome,navn,namn,naam,nimi,first,last,maiden,given",
    "national_id": "sin,nie,nir,rut,fiscal number",
    "iban": "rib,aba,konto",
    "street_address": "rue,calle,utca",
    "username": "twitter,instagram,skype,telegram,linkedin,facebook,github,snapchat,tiktok,discord,nick",
}
# Patterns of words in one, as German and others write them.
COMPOUNDS: dict[str, str] = {
    "email": r"\w*email|\w*e?mailadresse|\w*e?mailaddress|postaelettronica",
    "phone": (
        r"\w*(?:telefon|handy|mobil|ruf|fax|phone|mobile)(?:nummer|number|no|nr|num)|\w+telefon|"
        "(?:home|work|office|business|day|evening|contact|customer|user|mobile|cell)(?:tele)?phone|telefoonnummer"
    ),
    "national_id": (
        r"\w*(?:steuer|steueridentifikations|ausweis|pass|passport|versicherungs|versicherten|fuhrerschein|fodsels|person)"
        "(?:nummer|nr|no|number)|fuhrerschein|burgerservicenummer|codicefiscale|steuerid"
    ),
    "card": r"\w*(?:kredit|credit|debit|bank)?(?:karten|card)(?:nummer|nr|number|num|no)",
    "iban": r"\w*(?:konto|account|rekening)(?:nummer|nr|number|num|no)|\w*bankkonto",
    "street_address": (
        r"\w*(?:wohn|post|home|street|postal|mailing|billing|shipping|delivery|rechnungs|liefer)(?:adresse|address)"
    ),
    "ip_address": "(?:client|remote|source|src|dst|dest|user|host|server|peer|customer|login)ip(?:addr|address)?",
    "person_name": "(?:kunden|patienten|mitarbeiter|inhaber|halter|absender|empfanger|ansprechpartner)(?:name)?",
}
# Patterns of names in other scripts.
ABROAD: dict[str, str] = {
    "email": "почт[аы]|емейл|邮箱|邮件|郵件|メール|이메일|전자우편|البريد|אימייל|ईमेल|อีเมล",
    "phone": (
        "телефон|мобильн|电话|電話|手机|手機|携帯|전화|휴대폰|연락처|هاتف|جوال|טלפון|נייד|τηλέφωνο|फोन|फ़ोन|मोबाइल|"
        "โทรศัพท์"
    ),
    "person_name": (
        r"фамилия|^имя$|отчество|^фио$|прізвище|姓名|氏名|^お?名前$|^이름$|성명|성함|الاسم|שם פרטי|"
        "שם משפחה|^όνομα$|επώνυμο|^नाम$|^ชื่อ$|นามสกุล"
    ),
    "national_id": (
        r"паспорт|снилс|\bинн\b|身份证|身分證|護照|护照|マイナンバー|주민등록|여권|الهوية|תעודת זהות|αφμ|आधार"
    ),
    "card": "номер карты|银行卡|信用卡|カード番号|카드번호|رقم البطاقة",
    "street_address": "адрес|улица|地址|住所|주소|العنوان|כתובת|διεύθυνση|पता|ที่อยู่",
}
# "name" after one of these is a person's.
_PEOPLE = (
    "customer cust person people patient pat pt employee emp contact client user mother father author member "
    "holder owner recipient sender buyer seller guest student teacher doctor applicant tenant beneficiary "
    "spouse parent child reviewer driver passenger subscriber insured attendee participant respondent "
    "candidate staff manager supervisor physician nurse donor resident visitor borrower debtor director "
    "shareholder founder player pupil professor lawyer attorney witness victim suspect defendant plaintiff "
    "payer payee signatory traveler traveller voter worker agent individual guardian partner sibling relative "
    "coach tutor caregiver recruiter interviewer landlord claimant policyholder rider courier writer editor "
    "commenter reporter assignee cashier clerk officer judge trustee heir"
)
# A name that ends so speaks about the data, and is not the data.
_ABOUT = (
    "verified verification valid validated type kind count flag status consent opt optin optout in out "
    "preference enabled is has domain provider format length len version source hash md sha digest token at on "
    "date time year present missing exists required model os changed updated created country brand issuer "
    "network carrier operator expiry exp expires expiration weight view score prefix suffix label category "
    "class state sent opened clicked bounced subscribed template subject language lang plan app available used "
    "rate method attempts page url size risk match matched service promotion promo range location marketing "
    "notification subscription alert frequency contacted"
)
# And one that begins so.
_ABOUT_FIRST = "is has had was were can count total avg days nb hashed masked tokenized encrypted"
PEOPLE, ABOUT, ABOUT_FIRST = (frozenset(each.split()) for each in (_PEOPLE, _ABOUT, _ABOUT_FIRST))
