/* version.c: `spanmap version`: what this is, and the libraries that it runs with, each as that
 * library itself says (libdeflate does not, and is named as it was when this was compiled). */
#include <curl/curl.h>
#include <jansson.h>
#include <libdeflate.h>
#include <nghttp2/nghttp2.h>
#include <openssl/crypto.h>
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <uv.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "daemon/commands.h"
#include "version.h"

static void print_library(const char *name, const char *version)
{
    printf("  %-12s %s\n", name, version);
}

static int run(const struct command *command, const struct command_line *line)
{
    char pcre[64] = "";

    (void)command;
    (void)line;
    (void)pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    printf("spanmap %s\n", SPANMAP_VERSION);
    print_library("jansson", jansson_version_str());
    print_library("libcurl", curl_version_info(CURLVERSION_NOW)->version);
    print_library("libdeflate", LIBDEFLATE_VERSION_STRING);
    print_library("libuv", uv_version_string());
    print_library("libyaml", yaml_get_version_string());
    print_library("nghttp2", nghttp2_version(0)->version_str);
    print_library("OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING));
    print_library("pcre2", pcre);
    print_library("protobuf-c", protobuf_c_version());
    print_library("zlib", zlibVersion());
    print_library("zstd", ZSTD_versionString());
    return command_printed();
}

static const struct command_flag flags[] = {COMMAND_FLAG_END};

const struct command command_version = {
    .name = "version",
    .doc = "Show the version, and those of the libraries in use",
    .flags = flags,
    .run = run,
};
