/* machine_test.c: control groups as files in a folder of the test's own. */
#include "engine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/test.h"

static void put(const char *root, const char *path, const char *text)
{
    char whole[512];
    FILE *file;

    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        (void)mkdir(whole, 0700);
        *at = '/';
    }
    file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_root(void **state)
{
    char *root = strdup("/tmp/spanmap-machine-XXXXXX");

    *state = root;
    return root != NULL && mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[128];
    int failed;

    snprintf(command, sizeof(command), "rm -r '%s'", (const char *)*state);
    failed = system(command);
    free(*state);
    return failed;
}

static void machine__without_groups_is_whole(void **state)
{
    uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES);

    assert_int_equal(machine_memory_bytes(*state), pages * (uint64_t)sysconf(_SC_PAGESIZE));
    assert_true(machine_cores(*state) >= 1);
}

static void machine__takes_the_least_of_all_levels(void **state)
{
    put(*state, "proc/self/cgroup", "0::/outer/inner\n");
    put(*state, "sys/fs/cgroup/outer/inner/memory.max", "max\n");
    put(*state, "sys/fs/cgroup/outer/memory.max", "268435456\n");
    put(*state, "sys/fs/cgroup/memory.max", "536870912\n");
    assert_int_equal(machine_memory_bytes(*state), 268435456);
    put(*state, "sys/fs/cgroup/outer/inner/memory.max", "1048576\n");
    assert_int_equal(machine_memory_bytes(*state), 1048576);
}

static void machine__knows_version_1(void **state)
{
    put(*state, "proc/self/cgroup", "12:cpu,cpuacct:/x\n4:memory:/box\n1:name=systemd:/\n");
    put(*state, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", "134217728\n");
    put(*state, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(machine_memory_bytes(*state), 134217728);
}

static void machine__sees_a_namespaced_group(void **state)
{
    put(*state, "proc/self/cgroup", "0::/\n");
    put(*state, "sys/fs/cgroup/memory.max", "67108864\n");
    put(*state, "sys/fs/cgroup/cpu.max", "max 100000\n");
    assert_int_equal(machine_memory_bytes(*state), 67108864);
    assert_int_equal(machine_cores(*state), machine_cores(""));
}

static void machine__rounds_parts_of_a_core_up(void **state)
{
    put(*state, "proc/self/cgroup", "0::/box\n");
    put(*state, "sys/fs/cgroup/box/cpu.max", "50000 100000\n");
    assert_int_equal(machine_cores(*state), 1);
}

static void machine__ignores_damaged_files(void **state)
{
    uint64_t whole = machine_memory_bytes(*state);

    put(*state, "proc/self/cgroup", "::\n:\n\n0:/\n0::");
    put(*state, "sys/fs/cgroup/memory.max", "");
    put(*state, "sys/fs/cgroup/cpu.max", "x y");
    assert_int_equal(machine_memory_bytes(*state), whole);
    assert_true(machine_cores(*state) >= 1);
}

static void machine__knows_what_is_resident(void **state)
{
    (void)state;
    assert_true(machine_resident_bytes() > 100000);
    assert_true(machine_resident_bytes() < (UINT64_C(1) << 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(machine__without_groups_is_whole, make_root, remove_root),
        cmocka_unit_test_setup_teardown(machine__takes_the_least_of_all_levels, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(machine__knows_version_1, make_root, remove_root),
        cmocka_unit_test_setup_teardown(machine__sees_a_namespaced_group, make_root, remove_root),
        cmocka_unit_test_setup_teardown(machine__rounds_parts_of_a_core_up, make_root, remove_root),
        cmocka_unit_test_setup_teardown(machine__ignores_damaged_files, make_root, remove_root),
        cmocka_unit_test(machine__knows_what_is_resident),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
