/* output_test.c: files are replaced whole or not at all. */
#include "daemon/output.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/test.h"

static int make_folder(void **state)
{
    char *folder = strdup("/tmp/spanmap-output-XXXXXX");

    *state = folder;
    return folder != NULL && mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    int failed;

    snprintf(command, sizeof(command), "rm -r '%s'", (const char *)*state);
    failed = system(command);
    free(*state);
    return failed;
}

static void path_in(const char *folder, const char *name, char out_path[256])
{
    snprintf(out_path, 256, "%s/%s", folder, name);
}

static void assert_content(const char *path, const char *text)
{
    char content[100];
    FILE *file = fopen(path, "r");
    size_t size;

    assert_non_null(file);
    size = fread(content, 1, sizeof(content), file);
    assert_int_equal(fclose(file), 0);
    assert_view_equal((struct view){content, size}, text);
}

static unsigned files_in(const char *folder)
{
    DIR *open = opendir(folder);
    unsigned count = 0;

    assert_non_null(open);
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count - 2;
}

static void output__makes_and_replaces_a_file(void **state)
{
    struct stat file;
    char path[256];
    char error[256];
    mode_t mask = umask(0027);

    path_in(*state, "out", path);
    assert_int_equal(output_write(path, VIEW("first"), error), 0);
    assert_content(path, "first");
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0640);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(output_write(path, VIEW("x"), error), 0);
    assert_content(path, "x");
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0604);
    assert_int_equal(files_in(*state), 1);
    umask(mask);
}

static void output__says_what_cannot_be_written(void **state)
{
    char path[256];
    char error[256];

    path_in(*state, "none/out", path);
    assert_int_equal(output_write(path, VIEW("x"), error), STATUS_SYSTEM);
    assert_non_null(strstr(error, "none/out: No such file"));
    assert_int_equal(output_write(*state, VIEW("x"), error), STATUS_SYSTEM);
    assert_non_null(strstr(error, "Is a directory"));
    assert_int_equal(output_write("/dev/full", VIEW("x"), error), STATUS_SYSTEM);
    assert_non_null(strstr(error, "/dev/full: No space left"));
}

static void output__writes_through_what_is_no_file(void **state)
{
    char path[256];
    char error[256];
    char got[8] = "";
    FILE *reader;

    path_in(*state, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    reader = fopen(path, "r+");
    assert_non_null(reader);
    assert_int_equal(output_write(path, VIEW("hello"), error), 0);
    assert_int_equal(fread(got, 1, 5, reader), 5);
    assert_string_equal(got, "hello");
    assert_int_equal(fclose(reader), 0);
    assert_int_equal(files_in(*state), 1);
}

static int replace(void *context)
{
    char error[256];

    return output_write(context, VIEW("x"), error);
}

static void output__survives_failing_memory(void **state)
{
    char path[256];

    path_in(*state, "out", path);
    test_sweep_memory(replace, path);
    assert_int_equal(files_in(*state), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(output__makes_and_replaces_a_file, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(output__says_what_cannot_be_written, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(output__writes_through_what_is_no_file, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(output__survives_failing_memory, make_folder,
                                        remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
