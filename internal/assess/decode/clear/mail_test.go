package clear

func mailConversations() []conversation {
	return []conversation{
		{"smtp-plain", 587, []string{"hunter2x", "AGJvYgBodW50ZXIyeA=="}, []turn{
			sv("220 mail.example.org ESMTP Postfix\r\n"), cl("EHLO cam\r\n"), sv("250-mail.example.org\r\n250 AUTH PLAIN LOGIN\r\n"),
			cl("AUTH PLAIN AGJvYgBodW50ZXIyeA==\r\n"), sv("235 2.7.0 Authentication successful\r\n"),
			cl("MAIL FROM:<cam@thuis.nl>\r\nRCPT TO:<jan.jansen@voorbeeld.nl>\r\nDATA\r\n"), sv("250 ok\r\n250 ok\r\n354 go\r\n"),
			cl("Message-ID: <1.2@cam.local.nl>\r\nAUTH PLAIN AGJvYgBodW50ZXIyeA==\r\n.\r\nQUIT\r\n"), sv("250 queued\r\n221 bye\r\n"),
		}},
		{"smtp-login", 25, []string{"hunter2x", "aHVudGVyMng="}, []turn{
			sv("220 mx ready\r\n"), cl("EHLO cam\r\n"), sv("250 ok\r\n"), cl("AUTH LOGIN\r\n"), sv("334 VXNlcm5hbWU6\r\n"),
			cl("Ym9i\r\n"), sv("334 UGFzc3dvcmQ6\r\n"), cl("aHVudGVyMng=\r\n"), sv("535 5.7.8 Error\r\n"),
		}},
		{"smtp-cram", 2525, nil, []turn{
			sv("220 x ESMTP\r\n"), cl("EHLO cam\r\n"), sv("250 ok\r\n"), cl("AUTH CRAM-MD5\r\n"),
			sv("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n"), cl("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n"), sv("235 ok\r\n"),
		}},
		{"smtp-xoauth2", 587, []string{"ya29.tokentokentoken"}, []turn{
			sv("220 x ESMTP\r\n"), cl("EHLO cam\r\n"), sv("250 ok\r\n"),
			cl("AUTH XOAUTH2 dXNlcj1ib2JAZXhhbXBsZS5jb20BYXV0aD1CZWFyZXIgeWEyOS50b2tlbnRva2VudG9rZW4BAQ==\r\n"), sv("235 ok\r\n"),
		}},
		{"smtp-starttls", 587, nil, []turn{
			sv("220 x ESMTP\r\n"), cl("EHLO cam\r\n"), sv("250 STARTTLS\r\n"), cl("STARTTLS\r\n"), sv("220 Go ahead\r\n"), cl("\x16\x03\x01\x00\x01\x01"),
		}},
		{"pop3-user", 110, []string{"mrose!secret"}, []turn{
			sv("+OK POP3 server ready\r\n"), cl("USER mrose\r\nPASS mrose!secret\r\n"), sv("+OK\r\n-ERR no\r\n"),
			cl("APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"), sv("+OK maildrop has 1 message\r\n"),
			cl("RETR 1\r\n"), sv("+OK\r\n-ERR is a line of the message\r\n.\r\n"),
		}},
		{"pop3-stls", 1110, nil, []turn{
			sv("+OK ready\r\n"), cl("STLS\r\n"), sv("+OK Begin TLS\r\n"), cl("\x16\x03\x01\x00\x01\x01"),
		}},
		{"pop3-auth", 110, []string{"hunter2x"}, []turn{
			sv("+OK ready\r\n"), cl("AUTH PLAIN\r\n"), sv("+ \r\n"), cl("AGJvYgBodW50ZXIyeA==\r\n"), sv("+OK in\r\n"),
		}},
		{"imap-login", 143, []string{`se"cret1`}, []turn{
			sv("* OK [CAPABILITY IMAP4rev1] ready\r\n"), cl("a1 LOGIN mrc wrongpw1\r\n"), sv("a1 NO failed\r\n"),
			cl("a2 LOGIN \"mrc\" \"se\\\"cret1\"\r\n"), sv("* CAPABILITY X\r\na2 OK done\r\n"),
		}},
		{"imap-literals", 143, []string{"secret1"}, []turn{
			sv("* OK ready\r\n"), cl("A001 LOGIN {11}\r\n"), sv("+ go\r\n"), cl("FRED FOOBAR {7}\r\n"), sv("+ go\r\n"), cl("secret1\r\n"), sv("A001 OK done\r\n"),
		}},
		{"imap-scram", 143, nil, []turn{
			sv("* OK ready\r\n"), cl("a AUTHENTICATE SCRAM-SHA-1\r\n"), sv("+ \r\n"), cl("biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM\r\n"), sv("+ cj1m\r\n"), cl("Yz1iaXdz\r\n"), sv("a OK in\r\n"),
		}},
		{"imap-starttls", 143, nil, []turn{
			sv("* OK ready\r\n"), cl("a STARTTLS\r\n"), sv("a OK begin\r\n"), cl("\x16\x03\x01\x00\x01\x01"),
		}},
	}
}
