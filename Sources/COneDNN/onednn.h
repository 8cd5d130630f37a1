// What Understudy uses of oneDNN 2.6, a Debian package: convolutions. Version 3 has other names and no Winograd algorithm.
#pragma once
#include <oneapi/dnnl/dnnl.h>
