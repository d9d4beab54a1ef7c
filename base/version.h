/* The version this program presents: that of the upstream release whose behaviour and schema it has. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define BD_VERSION "1.0.5"
#ifndef BD_BUILD
#define BD_BUILD "dev"
#endif

#endif
