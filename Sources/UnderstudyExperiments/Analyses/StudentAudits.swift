import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

/// Audits of students against their teachers: of files from anywhere, and of the stored runs of a study.
public struct StudentAudits: Sendable {
  /// An audit, and the smaller student that it found.
  public struct Entry: Sendable {
    public var title: String
    public var record: AuditRecord
    /// nil where merging was left out.
    public var merged: Network?
  }

  /// The widths of the bands; nil: of files the standard width, of runs that which they were measured with.
  public var bands: [BandWidth]?
  /// See ``AuditOptions/allowedChange``.
  public var allowedChange: Double?

  /// See ``AuditOptions/effort``.
  public var effort: AuditEffort

  public init(bands: [BandWidth]? = nil, allowedChange: Double? = nil, effort: AuditEffort = .minute) {
    (self.bands, self.allowedChange, self.effort) = (bands, allowedChange, effort)
  }

  /// Audits a student from a file.
  ///
  /// - Throws: ``ExperimentError`` for files that cannot be read, and shapes that do not fit; it names the file.
  public func audit(
    teacherPath: String, studentPath: String, inputsPath: String, activation: Activation,
    progress: (String) -> Void = { _ in }
  ) throws(ExperimentError) -> Entry {
    let networks = try FilePair(teacherPath: teacherPath, studentPath: studentPath, activation: activation)
    return try audit(
      StoredStudent(
        student: networks.student, teacher: networks.teacher, inputs: try readSamples(inputsPath), bandWidth: .standard,
        names: (studentPath, teacherPath, inputsPath)), title: studentPath, progress: progress)
  }

  /// Audits the final student of a stored run, over the training inputs of its last epoch, as they were
  /// drawn: an audit augments them itself.
  ///
  /// - Throws: ``ExperimentError`` of a run whose weights cannot be read.
  public func audit(
    _ run: Run, in store: ResultsStore, progress: (String) -> Void = { _ in }
  ) throws(ExperimentError) -> Entry {
    try audit(
      try StoredStudent(run, in: store), title: store.study.label(of: run.setting, seed: run.seed),
      progress: progress)
  }

  /// Audits a student, wherever it comes from.
  ///
  /// - Throws: ``ExperimentError`` for shapes that do not fit, and without memory for it.
  func audit(
    _ stored: StoredStudent, title: String, progress: (String) -> Void
  ) throws(ExperimentError) -> Entry {
    let (student, teacher, inputs, names) = (stored.student, stored.teacher, stored.inputs, stored.names)
    // What is said of the inputs alone names them.
    try ExperimentError.catching(names.inputs) { () throws(ShapeError) in
      try teacher.network.checkWidth(of: inputs)
      try checkSamples(inputs)
    }
    var options = AuditOptions(bands: bands ?? [stored.bandWidth], allowedChange: allowedChange, effort: effort)
    if let available = availableMemory() {
      let needed = auditMemory(of: student, learning: teacher, over: inputs, bandCount: options.bands.count)
      guard needed <= available else {
        throw .input(
          "\(names.student): an audit of \(teacher.network.hiddenCounts[0]) teacher nodes and "
            + "\(student.network.hiddenCounts[0]) student nodes over \(inputs.rowCount) inputs needs about "
            + "\(byteSize(needed)) of memory, but \(byteSize(available)) are free; audit over fewer inputs or bands, or "
            + "where more is free")
      }
      options.effort.bytes = min(effort.bytes, available - needed)
    }
    let (audit, heldOut) = try ExperimentError.catching(names.student) { () throws(ShapeError) in
      try auditWithMerging(of: student, learning: teacher, over: inputs, options: options, progress: progress)
    }
    var record = AuditRecord(
      audit, teacherName: names.teacher, studentName: names.student, inputsName: names.inputs)
    if let heldOut {
      (record.student.heldOutCount, record.student.heldOutOutputChange) = (heldOut.count, heldOut.change)
    }
    return Entry(title: title, record: record, merged: audit.merged?.student.network)
  }
}
