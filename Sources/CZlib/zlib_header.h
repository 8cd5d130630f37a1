// What Understudy uses of zlib, a Debian package: reading gzipped data sets.
#pragma once
#include <zlib.h>
