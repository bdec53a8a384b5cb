/* Where sign-cert finds the files of a Puppet agent, and how often it looks for what it awaits. */
#define _XOPEN_SOURCE 700 /* nftw */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "cert.h"
#include "folder.h"

static const char *const parts[] = {"/certs/ca.pem", "/certs/web1.pem", "/private_keys/web1.pem"};

static int make_folder(void **state)
{
	(void)state;
	return open_folder("test_cert_settings");
}

/* An ssldir of that name with the first count of the three files. */
static const char *make_ssldir(const char *name, size_t count)
{
	const char *ssldir = in_folder(name);
	char path[512];

	assert_int_equal(0, mkdir(ssldir, 0755));
	(void)snprintf(path, sizeof(path), "%s/certs", ssldir);
	assert_int_equal(0, mkdir(path, 0755));
	(void)snprintf(path, sizeof(path), "%s/private_keys", ssldir);
	assert_int_equal(0, mkdir(path, 0755));
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", ssldir, parts[i]);
		write_text(path, "");
	}
	return ssldir;
}

static void the_first_folder_with_all_three_files_is_taken(void **state)
{
	const char *const folders[] = {
		in_folder("none"), make_ssldir("two", 2), make_ssldir("three", 3), NULL};
	struct cert_settings settings = {.url = NULL};
	const char *const found[] = {
		"three/certs/ca.pem", "three/certs/web1.pem", "three/private_keys/web1.pem"};

	(void)state;
	assert_true(cert_settings_of_puppet(&settings, folders, "web1"));
	assert_string_equal(in_folder(found[0]), settings.ca_file);
	assert_string_equal(in_folder(found[1]), settings.cert_file);
	assert_string_equal(in_folder(found[2]), settings.key_file);
	cert_settings_release(&settings);
	assert_false(cert_settings_of_puppet(&settings, folders, "web2"));
	assert_null(settings.ca_file);
	assert_null(settings.cert_file);
	assert_null(settings.key_file);
}

static void what_is_waited_for_shortly_is_looked_for_often(void **state)
{
	(void)state;
	assert_int_equal(5000, cert_poll_ms(0, 5000));
	assert_int_equal(101, cert_poll_ms(2000, 5000));
	assert_int_equal(1, cert_poll_ms(1, 5000));
	assert_int_equal(5000, cert_poll_ms(300000, 5000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_first_folder_with_all_three_files_is_taken, make_folder, remove_folder),
		cmocka_unit_test(what_is_waited_for_shortly_is_looked_for_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
