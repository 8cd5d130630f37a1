import Testing

/// Who may import whom: the table of ARCHITECTURE.md, row for row.
struct ImportTable {
  /// Modules of the system and the toolchain, which every target may import.
  static let system: Set<String> = ["Foundation", "Dispatch", "Synchronization", "Glibc", "Musl", "Darwin"]
  /// The only target that calls C and handles unsafe pointers.
  static let unsafeTarget = "UnderstudyNumerics"
  /// Targets written in C, or in C++ behind C.
  static let cTargets: Set<String> = ["CUnderstudyKernels", "COpenBLAS", "COneDNN", "CBoost", "CZlib"]

  static let rows: [Row] = [
    Row("CUnderstudyKernels", []),
    Row("COpenBLAS", []),
    Row("COneDNN", []),
    Row("CBoost", []),
    Row("CZlib", []),
    Row("UnderstudyNumerics", ["CUnderstudyKernels", "COpenBLAS", "COneDNN", "CBoost", "CZlib"]),
    Row("UnderstudySchema", []),
    Row("UnderstudyNetworks", ["UnderstudySchema", "UnderstudyNumerics"]),
    Row("UnderstudyTraining", ["UnderstudyNetworks", "UnderstudySchema", "UnderstudyNumerics"]),
    Row("UnderstudyTheory", ["UnderstudyNetworks", "UnderstudyNumerics"]),
    Row(
      "UnderstudyReconstruction",
      ["UnderstudyTraining", "UnderstudyTheory", "UnderstudyNetworks", "UnderstudyNumerics"]),
    Row("UnderstudyRecords", ["UnderstudySchema", "GRDB", "Yams"]),
    Row(
      "UnderstudyExperiments",
      [
        "UnderstudyReconstruction", "UnderstudyTraining", "UnderstudyTheory", "UnderstudyNetworks",
        "UnderstudyNumerics", "UnderstudySchema", "UnderstudyRecords",
      ]),
    Row("UnderstudyFigures", ["UnderstudySchema", "UnderstudyRecords"]),
    Row("Understudy", library),
    Row(
      "UnderstudyBenchmarks",
      [
        "UnderstudyExperiments", "UnderstudyReconstruction", "UnderstudyTraining", "UnderstudyTheory",
        "UnderstudyNetworks", "UnderstudyNumerics", "UnderstudySchema",
      ]),
    Row("UnderstudyCLI", ["Understudy", "UnderstudyBenchmarks", "ArgumentParser"]),
  ]

  /// What the library's face shows.
  private static let library: Set<String> = [
    "UnderstudyNumerics", "UnderstudySchema", "UnderstudyNetworks", "UnderstudyTraining", "UnderstudyTheory",
    "UnderstudyReconstruction", "UnderstudyRecords", "UnderstudyExperiments", "UnderstudyFigures",
  ]

  struct Row: Sendable, Equatable, CustomTestStringConvertible {
    let target: String
    /// Beside `system`.
    let mayImport: Set<String>

    init(_ target: String, _ mayImport: Set<String>) {
      self.target = target
      self.mayImport = mayImport
    }

    var testDescription: String { target }
  }
}
