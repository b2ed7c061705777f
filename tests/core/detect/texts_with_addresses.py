"""A text a line, with e-mail addresses, machines, interfaces and pages; what must be found is in ⟦brackets⟧."""

from __future__ import annotations

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
}
