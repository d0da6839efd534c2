// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "espctl/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "espctl/key.h"
#include "spec/algorithm.h"

const char *const espctl_switch_words[] = { "off", "on", NULL };

const char *const espctl_encryption_words[] = {
#define ENCRYPTION(id, name, ...) name,
#define INTEGRITY(...)
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
	NULL
};

const char *const espctl_integrity_words[] = {
#define ENCRYPTION(...)
#define INTEGRITY(id, name, ...) name,
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
	"aes-gmac", // with AH
	NULL
};

static char *take_value(
	const struct espctl_parameter *parameter, struct espctl_words *words, struct gw_error *err)
{
	char *word = espctl_words_take(words);

	if (!word)
		gw_error_set(err, EINVAL, "%s is followed by nothing", parameter->word);
	return word;
}

static int done(json_t *value, struct gw_error *err)
{
	return value ? 0 : gw_error_set(err, EINVAL, "a word is not UTF-8 text");
}

int espctl_read_text(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *word = take_value(parameter, words, err);

	if (!word)
		return -EINVAL;
	*value = json_string(word);
	return done(*value, err);
}

// Decimal, or hexadecimal with 0x; at most what a JSON integer holds.
static bool parse_number(const char *word, json_int_t *number)
{
	bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	const char *digits = hex ? word + 2 : word;
	char *end;

	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return false;
	errno = 0;
	*number = strtoll(digits, &end, hex ? 16 : 10);
	return errno == 0;
}

int espctl_read_number(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *word = take_value(parameter, words, err);
	json_int_t number;

	if (!word)
		return -EINVAL;
	*value = parse_number(word, &number) ? json_integer(number) : json_string(word);
	return done(*value, err);
}

// As espctl_read_number, or several with commas between.
int espctl_read_numbers(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	char *word = take_value(parameter, words, err), *one;
	json_int_t number;

	if (!word)
		return -EINVAL;
	if (!strchr(word, ',')) {
		*value = parse_number(word, &number) ? json_integer(number) : json_string(word);
		return done(*value, err);
	}
	*value = json_array();
	while ((one = strsep(&word, ","))) {
		if (parse_number(one, &number)) {
			json_array_append_new(*value, json_integer(number));
			continue;
		}
		json_decref(*value);
		return gw_error_set(err, EINVAL, "%s: \"%.32s\" between commas is not a number",
			parameter->word, one);
	}
	return done(*value, err);
}

// Words with commas between, always as a list.
int espctl_read_list(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	char *word = take_value(parameter, words, err), *one;

	if (!word)
		return -EINVAL;
	*value = json_array();
	while ((one = strsep(&word, ",")))
		json_array_append_new(*value, json_string(one));
	return done(*value, err);
}

static const char *choice_name(const void *choices, size_t index)
{
	return ((const char *const *)choices)[index];
}

static size_t choice_count(const char *const *choices)
{
	size_t count = 0;

	while (choices[count])
		count++;
	return count;
}

static int match_choice(
	const char *word, const char *const *choices, const char *of, struct gw_error *err)
{
	size_t count = choice_count(choices);
	int index = espctl_match(word, choices, count, choice_name, NULL, err);
	char names[256] = "";

	if (index != -1)
		return index;
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", choices[i]);
	}
	gw_error_set(err, EINVAL, "%s is one of %s, not \"%.64s\"", of, names, word);
	return -1;
}

int espctl_read_switch(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *word = take_value(parameter, words, err);
	int index = word ? match_choice(word, espctl_switch_words, parameter->word, err) : -1;

	if (index < 0)
		return -EINVAL;
	*value = json_boolean(index);
	return 0;
}

int espctl_read_choice(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *word = take_value(parameter, words, err);
	int index = word ? match_choice(word, parameter->choices, parameter->word, err) : -1;

	if (index < 0)
		return -EINVAL;
	*value = json_string(parameter->choices[index]);
	return done(*value, err);
}

// Two numbers, as `ip xfrm state` has them behind espinudp.
int espctl_read_ports(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	json_t *source = NULL, *destination = NULL;
	int rc = espctl_read_number(parameter, words, &source, err);

	if (rc == 0 && !espctl_words_peek(words))
		rc = gw_error_set(err, EINVAL,
			"%s is followed by two ports, of the source and of the destination",
			parameter->word);
	if (rc == 0)
		rc = espctl_read_number(parameter, words, &destination, err);
	if (rc) {
		json_decref(source);
		return rc;
	}
	*value = json_pack("{s:o, s:o}", "source_port", source, "destination_port", destination);
	return done(*value, err);
}

// Who opens the connection; where it is the gateway, the peer's port.
int espctl_read_tcp(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *who = take_value(parameter, words, err);
	json_t *port = NULL;
	int rc = 0;

	if (!who)
		return -EINVAL;
	if (strcmp(who, "accept") == 0) {
		*value = json_pack("{s:s}", "protocol", "tcp");
		return done(*value, err);
	}
	if (strcmp(who, "connect") != 0 || !espctl_words_peek(words))
		rc = gw_error_set(err, EINVAL,
			"%s is followed by accept, or by connect and the peer's port",
			parameter->word);
	if (rc == 0)
		rc = espctl_read_number(parameter, words, &port, err);
	if (rc)
		return rc;
	*value = json_pack(
		"{s:s, s:b, s:o}", "protocol", "tcp", "connect", 1, "destination_port", port);
	return done(*value, err);
}

int espctl_read_flag(
	const struct espctl_parameter *, struct espctl_words *, json_t **value, struct gw_error *)
{
	*value = json_true();
	return 0;
}

int espctl_read_json(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *word = take_value(parameter, words, err);
	json_error_t problem;

	if (!word)
		return -EINVAL;
	*value = json_loads(word, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
	if (!*value)
		return gw_error_set(err, EINVAL, "%s is not JSON: %s, at character %d",
			parameter->word, problem.text, problem.position);
	return 0;
}

// A short name is completed; what is unknown here goes to the daemon as it is.
static const char *algorithm_name(const char *word, const char *const *choices)
{
	int index = espctl_match(word, choices, choice_count(choices), choice_name, NULL, NULL);

	return index < 0 ? word : choices[index];
}

static int read_algorithm(const struct espctl_parameter *parameter, const char *name, bool key,
	struct espctl_words *words, json_t **value, struct gw_error *err)
{
	json_t *digits = NULL;
	char *word;
	int rc;

	*value = json_pack("{s:s}", "algorithm", name);
	if (!*value || !key)
		return done(*value, err);
	word = espctl_words_take(words);
	if (!word)
		rc = gw_error_set(err, EINVAL,
			"%s %s is followed by no key: 0x and hexadecimal digits, @FILE, or - for "
			"standard input",
			parameter->word, name);
	else
		rc = espctl_key_read(word, words->stdin_taken, &digits, err);
	if (rc == 0)
		json_object_set_new(*value, "key", digits);
	else
		json_decref(*value);
	return rc;
}

int espctl_read_encryption(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *word = take_value(parameter, words, err);
	enum gw_encryption_id id;

	if (!word)
		return -EINVAL;
	word = algorithm_name(word, espctl_encryption_words);
	id = gw_encryption_find(word);
	return read_algorithm(parameter, word,
		id == GW_ENCRYPTION_UNSET || gw_encryptions[id].key_bytes[0] > 0, words, value,
		err);
}

int espctl_read_integrity(const struct espctl_parameter *parameter, struct espctl_words *words,
	json_t **value, struct gw_error *err)
{
	const char *word = take_value(parameter, words, err);

	if (!word)
		return -EINVAL;
	return read_algorithm(
		parameter, algorithm_name(word, espctl_integrity_words), true, words, value, err);
}
