// swift-tools-version: 6.1
import PackageDescription

// A package of its own, because libFuzzer brings its own `main` and instruments whatever is built with it. `make fuzz` builds it.
let package = Package(
  name: "fuzzing",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "understudy", path: "../..")],
  targets: [
    .executableTarget(name: "parsers", dependencies: [.product(name: "Understudy", package: "understudy")])
  ]
)
