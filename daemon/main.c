/* main.c: where the program begins. */
#include "daemon/command.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
