/*
 * outlet_keys.h -- keys that several types of outlets have: where to call, with
 * which headers, by which certificates.
 *
 * Owns: nothing; a type puts these into its own table of keys (key.h) and calls
 * the checks of what several keys only show together from its own check().
 */
#ifndef HANDLERS_OUTLET_KEYS_H
#define HANDLERS_OUTLET_KEYS_H

#include "handlers/handler.h"

/* Of a KEY_URL: is it one of http or https? */
key_check_fn outlet_check_url;

/* Of a KEY_URL: is it one of a broker of that type (broker_url.h)? */
key_check_fn outlet_check_amqp_url;
key_check_fn outlet_check_redis_url;

/* Of KEY_TEXTS: is each "Name: value" or "Name: @FILE"? */
key_check_fn outlet_check_headers;

/*
 * With c->files put what stands in its file in place of each header's "@FILE";
 * what cannot be is wrong with that key.
 */
void outlet_read_headers(struct key_list *headers, const char *key,
    const struct handler_check *c);

/* The keys of a struct handler_tls_files, which is a field of a settings. */
#define OUTLET_TLS_KEYS(settings, field)                                       \
	{ "handler.ca_file", KEY_PATH, offsetof(settings, field.ca_file),      \
		.def = "", .value = "FILE",                                    \
		.example = "/etc/klikitd/pos-ca.pem", .shown = "trusts",       \
		.text = "Certificates (PEM) of those who may vouch for the "   \
			"far side, in place of the system's: for a url with "  \
			"TLS." },                                              \
	    { "handler.client_certificate", KEY_PATH,                          \
		    offsetof(settings, field.client_certificate), .def = "",   \
		    .value = "FILE", .example = "/etc/klikitd/pos-client.pem", \
		    .text = "Certificate (PEM, with its chain) to show to a "  \
			    "far side that asks for one by TLS." },            \
	{                                                                      \
		"handler.client_key", KEY_PATH,                                \
		    offsetof(settings, field.client_key),                      \
		    .def = "", .value = "FILE",                                \
		    .example = "/etc/klikitd/pos-client.key",                  \
		    .exposed = "who reads it can pass for this server",        \
		    .text = "The private key of client_certificate (PEM)."     \
	}

/* The key of a struct key_secret: what a broker asks for beside the user. */
#define OUTLET_PASSWORD_KEY(settings, field)                                   \
	{                                                                      \
		"handler.password_file", KEY_SECRET,                           \
		    offsetof(settings, field),                                 \
		    .def = "", .value = "FILE",                                \
		    .example = "/etc/klikitd/broker-password",                 \
		    .exposed = "who reads it can log in as klikitd does",      \
		    .text = "File with the password of the url's user."        \
	}

/* The key of a struct key_secret that a message_signer is made of. */
#define OUTLET_SIGN_KEY(settings, field)                                       \
	{                                                                      \
		"handler.sign_secret_file", KEY_SECRET,                        \
		    offsetof(settings, field),                                 \
		    .def = "", .value = "FILE",                                \
		    .example = "/etc/klikitd/pos-secret",                      \
		    .exposed = "who reads it can sign as klikitd does",        \
		    .text = "File with a secret to sign what is sent anew, "   \
			    "as klikit does, in place of klikit's own "        \
			    "signature."                                       \
	}

/* Are they of use, and whole? tls: the url asks for TLS. */
void outlet_check_tls(const struct handler_tls_files *files, bool tls,
    const struct handler_check *c);

#endif /* HANDLERS_OUTLET_KEYS_H */
