// What Understudy uses of OpenBLAS and LAPACKE, both Debian packages; cblas.h lies where pkg-config says.
#pragma once
#include <cblas.h>
#include <lapacke.h>
