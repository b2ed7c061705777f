from __future__ import annotations

import pytest

from maskgate.detect import KINDS

# Each line is a text in which everything that must be found stands in ⟦brackets⟧.
FOUND = {
    "email": """
        write to ⟦ann@example.com⟧
        ⟦ann@example.com⟧, ⟦bob@example.org⟧;⟦cy@example.net⟧
        (⟦ann.van-der_berg+shop@mail.example.co.uk⟧)
        <⟦ann@example.com⟧> and "⟦bob@example.com⟧"
        mailto:⟦ann@example.com⟧?
        it ends a sentence: ⟦ann@example.com⟧.
        ⟦ann.de-smith@ex-ample.com.br⟧
        '⟦o'neil@example.ie⟧'
        ⟦müller@bücher.example⟧ schrieb
        пишите на ⟦иван@пример.рф⟧ сегодня
        邮箱\uff1a⟦zhang@example.cn⟧\uff0c谢谢
        ⟦ann@xn--bcher-kva.example⟧
        ⟦ANN@EXAMPLE.COM⟧
        ⟦ann@[192.168.0.1]⟧
        ⟦1234567890@example.com⟧
        ⟦a@b.co⟧
        ⟦ann@sub.sub.sub.example.museum⟧
        email=⟦ann@example.com⟧&x=1
        "email":"⟦ann@example.com⟧"
        *⟦ann@example.com⟧*
        ⟦bounces+ann=example.com@lists.example.org⟧
        e-mail:\u00a0⟦ann@example.com⟧\u2026
        ⟦ann@example.com⟧/⟦bob@example.com⟧
        “⟦ann@example.com⟧”
        ⟦\"ann.b\"@example.com⟧
        ⟦_ann_@example.com⟧
        ⟦ann.@example.com⟧ and ⟦ann$@example.com⟧
        ⟦müller@www2.bücher.example⟧ and ⟦ann@www.example.com⟧
        ⟦"ann smith"@example.com⟧, (⟦"ann, b. smith"@example.org⟧)
        "site":"@example.com","other": "@example.org"
        ⟦ann@xn--e1afmkfd.xn--p1ai⟧ and ⟦bob@xn--fsqu00a.xn--fiqs8s⟧.
        _⟦ann@example.com⟧_ and ⟦_ann@example.com⟧
        私のメールは⟦ann@example.com⟧です。 이메일은 ⟦ann@example.com⟧입니다. อีเมล⟦ann@example.com⟧ครับ
        我的邮箱是⟦123456@example.com⟧\uff0c⟦用户@例子.中国⟧
        البريد ⟦ann@example.com⟧\u060c الهاتف
        ⟦ann@abc日本.example⟧
        email=⟦ann%40example.com⟧&x=1 and ⟦ann.b%40fran%C3%A7ais.example⟧ and ⟦ann%40%E4%BE%8B.jp⟧, 100%40 off
        no address: ann@ or @ann or ann at example.com
        no address: @example.com
        no address: user@localhost
        no address: logo@2x.png
        no address: numpy@1.26.4
        no address: a @ b.com
        no address: x@y
    """,
    "card": """
        ⟦4111111111111111⟧
        ⟦4111 1111 1111 1111⟧ is a Visa
        ⟦4111-1111-1111-1111⟧, ⟦5555.5555.5555.4444⟧
        ⟦4111  1111  1111  1111⟧ or ⟦4111_1111_1111_1111⟧ or ⟦5555 - 5555 - 5555 - 4444⟧
        ⟦4222222222222⟧ of 13 digits
        ⟦4000000000000000006⟧ of 19
        barcode 4015670209802, EAN 4013435724744
        ⟦4111 1111 1111 1111⟧Exp 04/27
        +411111111111 and +576012348230 are dialled
        ⟦5105105105105100⟧ and ⟦2223003122003222⟧
        ⟦378282246310005⟧
        ⟦3714 496353 98431⟧
        ⟦3782-822463-10005⟧
        ⟦6011111111111117⟧ ⟦6011 0009 9013 9424⟧
        ⟦30569309025904⟧ or ⟦3852 000002 3237⟧
        ⟦3530111333300000⟧
        ⟦6200000000000005⟧
        ⟦6304000000000000⟧
        ⟦501864667909⟧ of 12 digits
        card:⟦4111111111111111⟧,exp 12/25
        card ⟦4111 1111 1111 1111⟧ 123 is its code
        1234 ⟦4111 1111 1111 1111⟧
        4512 ⟦4111 1111 1111 1111⟧ behind what could begin one
        ⟦4111 1111 1111 1111⟧ ⟦5555 5555 5555 4444⟧ ⟦378282246310005⟧
        #⟦4111111111111111⟧#
        (⟦4111111111111111⟧)
        карта ⟦4111111111111111⟧, спасибо
        ⟦4111\u00a01111\u00a01111\u00a01111⟧
        ⟦4111\u20111111\u20111111\u20111111⟧
        order-⟦4111111111111111⟧
        ⟦4111111111111111⟧,⟦5105105105105100⟧,⟦378282246310005⟧
        ⟦060473890584⟧ of 12 digits
        ⟦0604 7389 0584⟧ of 12 in groups
        9400 1382 3935 8329 1528 77
        card 6135 1672 2899 2367 with a wrong check digit
        order no. 501764243553
        SE23 8469 2852 4692 8523 4978 9729
        wrong check digit 4111111111111112
        wrong check digit 4111 1111 1111 1112
        nobody issues 9999999999999995
        nobody issues 1234567812345670
        too long 41111111111111111111111
        id4111111111111111
        x4111111111111111y
        0.4111111111111111
        3,4111111111111111
        240,⟦4783 0657 8633 1023⟧,GB12 and 403,⟦343794283456907⟧,DE
        4111111111111111.5
        123e4567-e89b-12d3-a456-501864667909
        1700000000000 milliseconds
        20240105123045
        IMEI 490154203237518
        ISBN 9783161484100
        1Z999AA10123456784
    """,
    "iban": """
        BD0B125C-FEB4-4D9D-BD71-952A7E7F8AC4
        ⟦GB82WEST12345698765432⟧Name
        ⟦DE89370400440532013000⟧
        ⟦DE89 3704 0044 0532 0130 00⟧ is it
        ⟦gb82west12345698765432⟧
        ⟦GB82 WEST 1234 5698 7654 32⟧.
        ⟦GB82-WEST-1234-5698-7654-32⟧
        ⟦FR14 2004 1010 0505 0001 3M02 606⟧
        ⟦NL91ABNA0417164300⟧ to
        ⟦NO9386011117947⟧
        ⟦BE68539007547034⟧ and ⟦CH9300762011623852957⟧
        ⟦MT84MALT011000012345MTLCAST001S⟧
        ⟦MT84 MALT 0110 0001 2345 MTLC AST0 01S⟧
        ⟦LC55HEMM000100010012001200023015⟧
        ⟦ES9121000418450200051332⟧/⟦IT60X0542811101000000123456⟧
        ⟦PL61109010140000071219812874⟧
        ⟦SA0380000000608010167519⟧
        ⟦BR1800360305000010009795493C1⟧
        ⟦DE89370400440532013000⟧ ⟦GB82WEST12345698765432⟧ ⟦NL91ABNA0417164300⟧
        ⟦DE89 3704 0044 0532 0130 00⟧ ⟦GB82 WEST 1234 5698 7654 32⟧ ⟦NL91 ABNA 0417 1643 00⟧ ⟦BE68 5390 0754 7034⟧
        IBAN:⟦DE89370400440532013000⟧;
        at12 ⟦DE89370400440532013000⟧
        für ⟦DE89370400440532013000⟧, ⟦DE89370400440532013000⟧
        of another length ⟦GB16UHWQ4417579800754⟧ and ⟦GB08 NVXB 0779 7409 9217 8⟧.
        of another length ⟦CO31 CKSJ 4740 5427 7055 4⟧ in use; to ⟦TH52 6266 2465 25⟧
        of a country without ⟦AR83XJGJ07750712585009540820⟧
        712bb13b-cd2e-ee76-c255-0d845e18d7ce thanks
        wrong check digits DE88370400440532013000
        wrong length DE893704004405320130001
        no country QQ89370400440532013000
        xDE89370400440532013000
        DE89370400440532013000x
        the part number AB12 CDEF 3456
    """,
    "ip": """
        from ⟦192.168.10.24⟧ at night
        ⟦10.0.0.1⟧:8080, ⟦10.0.0.2⟧/24
        [⟦127.0.0.1⟧] (⟦8.8.8.8⟧)
        ⟦255.255.255.255⟧.
        ip=⟦1.1.1.1⟧;
        ⟦192.168.001.010⟧
        ⟦2001:0db8:85a3:0000:0000:8a2e:0370:7334⟧
        ⟦2001:db8::1⟧, ⟦fe80::1⟧ and ⟦::1⟧
        ⟦2001:db8::8a2e:370:7334⟧.
        [⟦2001:db8::1⟧]:443
        ⟦2001:DB8::1⟧/64
        ⟦2001:db8:1::⟧ is a net
        ⟦fe80::1ff:fe23:4567:890a%eth0⟧
        ⟦::ffff:192.168.10.24⟧
        peer ⟦2001:db8::1⟧: time-out
        address=⟦2001:db8::1⟧,
        from ⟦41.173.96.26⟧ blocked
        IP:⟦2001:db8::1⟧, ipv6:⟦fe80::1⟧
        ⟦64:ff9b::192.0.2.33⟧ and ⟦2001:db8:85a3::8a2e:192.168.0.1⟧
        ⟦192.168.100.010⟧
        upgrade ⟦10.0.0.1⟧ and patch ⟦10.0.0.2⟧
        no address: 256.1.1.1
        no address: 1.2.3
        no address: 1.2.3.4.5
        no address: version 1.2.3.4
        no address: versions 1.2.3.4, 1.2.3.5 and 1.2.4.0
        no address: v 1.2.3.4 or (v1.2.3.5)
        no address: Chrome/120.0.0.0 Safari/537.36 (rv:1.9.6.20)
        no address: lib-1.2.3.4.tar.gz and 1.2.3.4-beta
        no address: text2001:db8::1 and 12345:db8::1
        no address: v1.2.3.4
        no address: release 10.0.22.1
        no address: 12:30:45
        no address: 12:30
        no address: 01.02.03.04.05
        no address: std::vector and a::b and abc::def and x[::2] and [1::2]
        no address: 1.2.3.04
        no address: 1:2:3:4:5:6:7:8:9
        no address: release-1.2.3.4, OID 1.3.6.1
        dst=⟦2001:db8::c979⟧:51234, src=⟦2001:db8:0:0:0:0:0:c979⟧:443
        no address: 2001:db8::1::2
        no address: :: and ::: and :
        no address: 10.01.2024
        no address: 192.168.1.1000
    """,
    "ssn": """
        <ssn>⟦123456789⟧</ssn> <field name="ssn">⟦123456789⟧</field>
        SSN:⟦123-45-6789⟧Phone, but 123-45-6789a and 123-45-6789AB
        ⟦123-45-6789⟧
        ssn:⟦123-45-6789⟧, born
        SS# ⟦123456788⟧, ss number is ⟦123456788⟧
        {"social_security_number": ⟦123456788⟧, "socialSecurityNumber": "⟦123456788⟧"}
        no number: antisocial 123456788, the tins 123456788
        ⟦123 45 6789⟧
        SSN#⟦078-05-1120⟧.
        his social security number is ⟦853-37-1694⟧
        SSN ⟦123456789⟧
        social security no. ⟦123456789⟧ of him
        ssn is ⟦123.45.6789⟧
        (⟦665-99-9999⟧)
        three ⟦555-12-3456⟧ 123-45.6789
        at 10:30 ⟦123 45 6789⟧ 2024-01-05
        ⟦123\u201145\u20116789⟧
        ⟦899-01-0001⟧/⟦001-01-0001⟧
        never given out 000-12-3456
        never given out 666-12-3456
        never given out 900-12-3456
        never given out 123-00-1234
        never given out 123-45-0000
        1123-45-6789
        123-45-67890
        12-123-45-6789
        123-45-6789-10
        2270-66-1551
        order 123456789
        123.45.6789
        a123-45-6789
        12345-6789
        +351 123 45 6789
    """,
    "url": """
        ⟦https://example.com⟧
        ⟦http://www.ScrapbookInsider.com.pt/⟧
        see ⟦https://example.com/a/b?c=d&e=f#g⟧.
        (⟦https://example.com/a_(b)⟧)
        (see ⟦https://example.com⟧), or not
        <⟦https://example.com/x⟧>
        "⟦https://example.com/x⟧",
        ⟦http://user:word@example.com:8080/⟧
        ⟦http://10.0.0.1:80/x⟧
        ⟦http://[2001:db8::1]:80/x⟧
        ⟦https://example.com/u/77?email=bob@example.org⟧
        ⟦ftp://files.example.com/x.zip⟧; ⟦s3://bucket/key⟧
        ⟦HTTPS://EXAMPLE.COM/X⟧
        ⟦www.example.com⟧, ⟦WWW.EXAMPLE.COM⟧
        ⟦www.example.de/path⟧!
        on ⟦example.com⟧ you
        on ⟦example.com/path?x=1⟧ you
        ⟦sub.example.co.uk⟧ and ⟦example.de⟧
        ⟦bit.ly/3abcde⟧
        ⟦t.co/x⟧
        ⟦example.io:8443/x⟧
        ⟦https://пример.рф/путь⟧
        ⟦https://例え.jp/パス⟧、次
        [text](⟦https://example.com/x⟧)
        ⟦https://localhost:3000/x⟧
        url=⟦https://example.com/x⟧
        ⟦https://example.com/x⟧…
        “⟦https://example.com/x⟧”
        **⟦https://example.com/x⟧**
        -⟦example.com⟧- and ⟦example.com⟧-based
        ⟦президент.рф⟧, ⟦президент.рф/путь⟧
        ⟦example.technology⟧ and ⟦example.today/path⟧ and ⟦example.group:8443/⟧
        <script src=//⟦cdn.example.com/x.js⟧>
        at //⟦example.com⟧
        ⟦example.co⟧, ⟦ejemplo.com.co⟧, ⟦primjer.ba⟧ and ⟦ejemplo.ar⟧
        ⟦example.co.in⟧ and ⟦example.co.in/x⟧
        👉⟦https://example.com/x⟧👈 ⟦www.example.com⟧✨
        no address: c.e.app.UserService - user, com.example.Foo.bar(Foo.java:123), System.Net and self.cv
        no address: main.tf, script.pl, model.pt
        no address: ann@ex-ample.com and ann.de-smith@example.com.br and ann.com@example.com
        no address: m@bücher.example and m@xn--bcher-kva.de and m@www.example.com and m@www2.example.com
        no address: com.example.app and logger.info('x') and array.at(0) and x.org.local
        no address: done.today and ASP.NET
        no address: readme.md and main.py and node.js
        no address: e.g. this, i.e. that
        no address: end.Then
        no address: http:// and https://
        no address: C:/windows and /usr/local
        no address: 3.14 and 1.2.3
        no address: and/or
        no address: a.b.c
        no address: note: //comment
    """,
    "mac": """
        ⟦00:1A:2B:3C:4D:5E⟧
        ⟦00-1a-2b-3c-4d-5e⟧.
        ⟦001a.2b3c.4d5e⟧
        mac=⟦aa:bb:cc:dd:ee:ff⟧,
        ⟦00:1A:2B:FF:FE:3C:4D:5E⟧
        00:1A:2B:3C:4D
        00:1A:2B:3C:4D:5E:6F
        00:1A-2B:3C:4D:5E
        00:1G:2B:3C:4D:5E
        12:30:45
    """,
    "nino": """
        ⟦AB123456C⟧
        ⟦AB 12 34 56 C⟧.
        ⟦AB-12-34-56-C⟧
        nino ⟦QQ123456C⟧
        DB123456C
        AO123456C
        GB123456C
        AB123456E
        AB12345C
        XAB123456C
    """,
    "phone": """
        call ⟦+44 20 7946 0958⟧
        ⟦+(371) 27109353⟧, ⟦(+57) 300 756 19 43⟧, ⟦8 754 216 4086⟧, ⟦8 (921) 652-14-97⟧, ⟦07420 98469 126⟧
        call about my account on ⟦020 7946 0958⟧
        Fono: ⟦600 175 466⟧ Cel: ⟦321 1234210⟧ H/P: ⟦8124 7123⟧ ĐT: ⟦0912345222⟧
        电话⟦131 2345 6557⟧\u3002 тел. ⟦495 123-45-67⟧
        call ⟦978-249-9678⟧
        ⟦0171 1234567⟧ ⟦0171 7654321⟧ in 2024 ⟦0171 1234567⟧
        ⟦+1-984-182-0190⟧ mobile
        ⟦+46 (0)8 928 571 38⟧ fax
        ⟦+ 44 20 7946 0958⟧ or ⟦+1 (984) 182-0190⟧
        ⟦+447700 921 916⟧, ⟦+447700900123⟧
        ⟦+49 (30) 901820⟧
        (⟦+49 30 901820⟧),⟦+34948522980⟧,⟦+33437636326⟧
        ⟦(399)286-8054⟧,⟦(399)286-8055⟧
        ⟦0049 30 901820⟧
        ⟦(555) 123-4567⟧ or ⟦(555)123-4567⟧
        ⟦555-123-4567⟧, ⟦555.123.4567⟧, ⟦555 123 4567⟧
        ⟦1-800-555-0199⟧
        ⟦345-899-3560x4587⟧
        ⟦345-899-3560 ext. 12⟧
        ⟦07700 063 966⟧ and ⟦0490 75 40 81⟧
        ⟦03.93.92.16.85⟧
        ⟦020 7946 0958⟧; ⟦(020) 7946 0958⟧
        ⟦030 901820⟧ / ⟦089/1234567⟧
        ⟦(37) 788-063⟧
        phone: ⟦9498777106⟧
        Phone:\u00a0⟦467 3395⟧
        call me on ⟦9472 7916⟧?
        Tél : ⟦0248322664⟧
        Llámame al ⟦6490 7329⟧
        Rufen Sie mich unter ⟦01144960570⟧ an.
        appelez-moi au ⟦0295265753⟧
        {"home_phone": "⟦2025550123⟧"}
        T: ⟦19582307⟧ | M: ⟦07911 123456⟧
        no number: Rechnung RE-0254-10040, Bestellnummer 0221-123456, pedido nº 0221 123456
        ⟦416 60 039⟧ office
        tel. ⟦60-56-85-91⟧
        call on 2024-01-05
        call at 10:30, 05/06/2024
        CriOS/34.0.871.0 Mobile/03M269 and 07298-2252 and 062-00-9164 and 4711 0835 6564 7622 65
        zip 12345-6789
        order 1234567890
        call about order 1234567890
        ISBN 978-3-16-148410-0
        NHS number 943 476 5919, SIN: 046 454 286, pH 7.4 1234567
        CPF 010.060.300-72
        at 40.712776, -74.005974
        1,234,567.89 and 1.234.567,89
        1 234 567 people
        2024-01-05 10:30:00
        2024-01-05T10:30:00.123456
        1700000000
        0001234567
        123e4567-e89b-12d3-a456-426614174000
        1Z999AA10123456784
        invoice 2024-000123
        114-3941689-8772232
        3.14159265358979
        +12 degrees
        555-123-45678
        x + 1000000 and y + 100123456.0
        order no. 555-123-4567
        2270-66-1551
        1.2.3.4
    """,
    "date": """
        on ⟦2024-01-05⟧
        ⟦2024-01-05T10:30:00Z⟧
        ⟦2000-04-16 11:34:35⟧
        ⟦2024/01/05⟧ and ⟦05.01.2024⟧
        ⟦2/8/1935⟧, ⟦12/31/99⟧
        ⟦5 January 2024⟧ and ⟦5th of January, 2024⟧
        ⟦January 5, 2024⟧; ⟦Jan 5 2024⟧
        ⟦5. März 2024⟧
        ⟦5 janvier 2024⟧
        ⟦31-12-2024⟧
        ⟦20240105T103000Z⟧
        ⟦5 gennaio 2024⟧, ⟦5 de janeiro de 2024⟧, ⟦30 października 2024⟧, ⟦1er janvier 2024⟧
        ⟦5 сентября 2024⟧, ⟦5. tammikuuta 2024⟧, ⟦5 Haziran 2024⟧, ⟦5 Σεπτεμβρίου 2024⟧
        ⟦2024年1月5日⟧、⟦2024년 1월 5일⟧, ⟦2024. január 5.⟧
        ⟦05-Jan-24⟧ ⟦05JUL2024⟧ ⟦Jul-05-2024⟧ [⟦10/Oct/2023:13:55:36 +0000⟧]
        ⟦05 Jan 2024 10:00:00 +0000⟧, ⟦5/1/2024 3:30 PM⟧
        ⟦1.2.24⟧ and ⟦21.4.17⟧
        2024-13-05
        2024-02-30
        31.04.2024
        25/30/2024
        1.2.3
        version: 21.4.17, "ver":"16.8.28", v=25.2.14, § 4.9.11, 25.6.10-rc1
        python 3.11.14, numpy==1.10.12, web:21.4.17, react@16.8.28
        1/2
        10.01.2024.5
        5 of 2024
        may 2024 be good
        2024
    """,
}


def cases(kind):
    for line in FOUND[kind].strip().splitlines():
        yield pytest.param(kind, line.strip(), id=f"{kind}: {line.strip()}".encode("ascii", "replace").decode())


class TestEachKind:
    """What is personal data is found, whole and without what is around it; what only looks like it is not."""

    @pytest.mark.parametrize(("kind", "expected"), [case for kind in FOUND for case in cases(kind)])
    def test_is_found_where_it_is(self, bracketed, kind, expected):
        text = expected.replace("⟦", "").replace("⟧", "")
        assert bracketed(text, [kind]) == expected

    def test_every_kind_is_tried(self):
        assert set(FOUND) == set(KINDS)
