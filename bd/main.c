/* Entry point. The command layer is bd/cmd. */
#include "bd/cmd/cmd.h"

int main(int argc, char **argv) { return cmd_main(argc, argv); }
